"""The image of each version itself, nothing of MAAS's started in it."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from engine import UNPRIVILEGED, VERSIONS, build, docker
from engine import image as image_of

MEGABYTE = 1_000_000
# Layers that are the project's own: all but the base image and MAAS's packages.
PACKAGES = "apt-get install"
# What a compiler, a package manager's lists, or a way to become root would be.
NEEDLESS = (
    "/usr/bin/gcc /usr/bin/cc /usr/bin/g++ /usr/bin/make /usr/bin/as /usr/bin/ld"
    " /var/lib/apt/lists/*Packages* /var/cache/apt/archives/*.deb /var/cache/apt/*.bin"
    " /root/.cache /tmp/* /usr/sbin/policy-rc.d /opt/truenas-maas/lib/python3*/site-packages/pip"
)


@pytest.fixture(scope="module")
def built() -> None:
    """Build all of them side by side; that of 3.6 has its packages pinned to the very version."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(build, VERSIONS))


@pytest.fixture(scope="module", params=VERSIONS)
def image(request: pytest.FixtureRequest, built: None) -> str:
    """Give the image of a version."""
    return image_of(str(request.param))


def test_configuration(image: str) -> None:
    configuration = json.loads(docker("inspect", image))[0]["Config"]
    assert configuration["User"] == "568:568"
    assert not configuration["Entrypoint"]
    assert configuration["Cmd"][-2:] == ["-m", "supervisord"]
    assert configuration["StopSignal"] == "SIGTERM"
    assert not configuration.get("Volumes")
    assert configuration["Labels"]["org.opencontainers.image.revision"]
    names = [entry.split("=")[0] for entry in configuration["Env"]]
    assert not [name for name in names if name.startswith("SNAP") or "PASSWORD" in name]


def run(image: str, *command: str) -> str:
    return docker("run", "--rm", "--user=0", "--network=none", image, *command)


def test_no_key_is_baked_in(image: str) -> None:
    keys = ("-name", "*.key", "-o", "-path", "/etc/ssl/*snakeoil*", "-o", "-path", "/etc/bind/maas")
    assert run(image, "find", "/etc", *keys) == ""


def test_no_file_can_give_a_privilege(image: str) -> None:
    assert run(image, "find", "/", "-xdev", "-type", "f", "-perm", "/6000") == ""
    # getcap's package is not in the image
    script = (
        "import os; print([p for d, _, fs in os.walk('/') for f in fs"
        " if not d.startswith(('/proc', '/sys')) and not os.path.islink(p := os.path.join(d, f))"
        " and 'security.capability' in os.listxattr(p)])"
    )
    assert run(image, "python3", "-c", script).strip() == "[]"


def test_no_file_of_somebody_else_is_in_a_directory_of_568(image: str) -> None:
    ours = run(image, "find", "/", "-xdev", "-type", "d", "-user", "568").split()
    assert set(ours) >= {"/var/lib/maas", "/var/log/maas", "/var/spool/maas-proxy"}
    foreign = ("-mindepth", "1", "(", "!", "-user", "568", "-o", "!", "-group", "568", ")")
    assert run(image, "find", *ours, *foreign) == ""


def test_nothing_needless_is_in_it(image: str) -> None:
    found = run(image, "sh", "-c", f"ls -d {NEEDLESS} 2>/dev/null || :")
    assert found == ""


def test_the_projects_own_layers_are_small(image: str) -> None:
    show = ("history", "--human=false", "--no-trunc", "--format={{.Size}} {{.CreatedBy}}", image)
    layers = [line.split(" ", 1) for line in docker(*show).splitlines()]
    packages = next(i for i, layer in enumerate(layers) if PACKAGES in layer[1])
    own = sum(int(size) for size, _ in layers[:packages])
    assert 10 * MEGABYTE < own <= 60 * MEGABYTE


def test_without_a_network_it_starts_and_says_what_it_misses(image: str) -> None:
    settings = ("--env=MAAS_URL=http://maas:5240/MAAS", "--env=POSTGRES_PASSWORD=p-1")
    said = docker(
        *("run", "--rm", "--network=none", "--hostname=maas", *UNPRIVILEGED, *settings),
        *("--tmpfs=/var/lib/maas:uid=568,gid=568,mode=0750,exec", "--env=MAAS_DB_WAIT=1"),
        *("--env=MAAS_ADMIN_PASSWORD=a-secret", image),
        check=False,
    )
    (error,) = [line for line in said.splitlines() if " ERROR " in line]
    assert re.search("cannot .*postgres", error), error
    assert "69" in said.splitlines()[-1], said


def test_the_volumes_begin_empty_and_belong_to_maas(image: str) -> None:
    for directory in ("/var/lib/maas", "/var/log/maas", "/var/spool/maas-proxy"):
        assert run(image, "ls", "-A", directory) == ""
        assert run(image, "stat", "-c", "%U %u:%g", directory).strip() == "maas 568:568"


def test_the_postgresql_client_can_dump(image: str) -> None:
    assert "pg_dump (PostgreSQL)" in run(image, "pg_dump", "--version")


def test_the_project_does_not_touch_maass_python(image: str) -> None:
    found = run(image, "python3", "-c", "import importlib.util as u; print(u.find_spec('httpx'))")
    assert found.strip() == "None"


def test_one_shot_commands_run_instead_of_pid_1(image: str) -> None:
    assert "usage: maas-init" in docker("run", "--rm", "--network=none", image, "maas-init", "-h")
