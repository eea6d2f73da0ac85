"""The image itself, nothing started in it."""

import json

from engine import docker


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
    listing = run(image, "sh", "-c", "ls -d /etc/bind/*key* /etc/bind/maas /etc/ssl/private/* || :")
    assert "rndc.key" not in listing.replace("cannot access '/etc/bind/maas'", "")
    assert "snakeoil" not in listing


def test_no_file_has_a_capability(image: str) -> None:
    script = (
        "import os; print([p for d, _, fs in os.walk('/usr') for f in fs"
        " if not os.path.islink(p := os.path.join(d, f))"
        " and 'security.capability' in os.listxattr(p)])"
    )
    assert run(image, "python3", "-c", script).strip() == "[]"


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
