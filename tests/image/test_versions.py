"""Each version of MAAS on one volume and one database, upgraded from the one before, and back."""

from collections.abc import Iterator

import facts
import pytest
from databases import DATA, Postgres
from engine import SOURCE, VERSIONS, Container, build, compose, docker
from eventually import eventually

pytestmark = pytest.mark.own_stack
PROJECT = "maas-test-versions"
# MAAS's locks are links to the process that holds them (maas-region-run.md 6).
LOCKS = " ".join(
    f"{DATA}/run/lock/{name}"
    for name in (
        "maas:networks-monitoring",
        "maas:version-update-check",
        "maas:certificate-expiration-check",
        "maas:vault-secrets-cleanup",
        "maas@var:lib:maas:regiond.conf",
    )
)
# All files of the volume but those that a region writes all the time, and init's own lock.
FILES = f"cd {DATA} && find . -type f ! -path './run/*' -exec sha256sum {{}} + | sort -k 2"
USERS = "SELECT username, email, password FROM auth_user ORDER BY id"


def in_volume(container: Container, command: str) -> str:
    """Run a command as UID 568 in the volumes of a container that is stopped."""
    volumes = (f"--volumes-from={container.name}", "--network=none")
    sh = ("--entrypoint=sh", "truenas-maas-demo/postgres:15", "-c", command)
    return docker("run", "--rm", "--user=568", *volumes, *sh)


@pytest.fixture(scope="module")
def volumes() -> Iterator[None]:
    compose("down", "--volumes", project=PROJECT)
    yield
    compose("down", "--volumes", project=PROJECT)


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def region(version: str, volumes: None) -> Container:
    """Start the region with the image of a version, on what the one before it has left."""
    build(version)
    container = Container(f"{PROJECT}-maas-1", PROJECT)
    if version != VERSIONS[0]:
        docker("stop", container.name)
        # What a region that was killed leaves, and what regiond makes anew: apiserver must wait.
        in_volume(container, f"rm {DATA}/certificates/*; for l in {LOCKS}; do ln -sfn 1 $l; done")
    compose("up", "--detach", "--remove-orphans", "maas", project=PROJECT, version=version)
    container.wait_until_healthy()
    return container


def test_it_is_healthy_with_a_dump_of_what_was_before(region: Container, version: str) -> None:
    eventually(lambda: region.probe().startswith("healthy: "), 60)
    status = region.run("maas-init", "status")
    assert f"MAAS {version}." in status, status
    dumps = region.run("sh", "-c", f"ls {DATA}/backups | grep -c '[.]dump$'", check=False)
    assert int(dumps) == VERSIONS.index(version)
    assert region.sql(USERS).count("admin@") == 1
    identity = region.run("cat", f"{DATA}/maas_id").strip()
    name = region.sql(f"SELECT hostname FROM maasserver_node WHERE system_id = '{identity}'")
    assert name == "maas"
    assert region.sql("SELECT count(*) FROM maasserver_node") == "1"


def test_it_is_as_the_facts_say(
    region: Container, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    running = "SELECT count(*) FROM maasserver_service WHERE status = 'running'"
    eventually(lambda: region.sql(running) == "8", 60)
    count, wrong = facts.check(region, version)
    with capsys.disabled():
        print(f"\nMAAS {version}: {count} rows of the facts checked")
    assert not wrong, "\n".join(wrong)
    assert count > 150


def test_nothing_was_written_beside_the_volumes(region: Container) -> None:
    assert docker("diff", region.name) == ""


def test_an_internal_api_that_is_lost_is_seen(region: Container, version: str) -> None:
    if version < "3.7" or SOURCE != "standin":
        pytest.skip(
            "of 3.7 alone, whose apiserver does not end on SIGTERM (maas-37-region-run.md 5)"
        )
    region.run("supervisorctl", "signal", "TERM", "apiserver")
    eventually(lambda: "degraded: internal_api" in region.run("healthcheck", "--direct"), 30)
    region.run("supervisorctl", "restart", "apiserver")
    eventually(lambda: region.run("healthcheck", "--direct").startswith("healthy: "), 30)


def test_an_older_image_is_refused_and_nothing_is_changed(region: Container, version: str) -> None:
    if version != VERSIONS[-1] or len(VERSIONS) == 1:
        pytest.skip("of the newest version alone")
    oldest = VERSIONS[0]
    server = Postgres("15", f"{PROJECT}-postgres-1")
    docker("stop", region.name)
    before, files = server.dump("maasdb"), in_volume(region, FILES)
    compose("up", "--detach", "--no-deps", "maas", project=PROJECT, version=oldest)
    state = "{{.State.Status}} {{.State.ExitCode}}"
    eventually(lambda: region.inspect(state) == "restarting 65", 60)
    docker("stop", region.name)
    refusals = {line.split("| ", 1)[1] for line in region.log().splitlines() if " ERROR " in line}
    (refusal,) = refusals
    assert "cannot use the database" in refusal
    assert "newer" in refusal
    assert server.dump("maasdb") == before
    assert in_volume(region, FILES) == files
    compose("up", "--detach", "maas", project=PROJECT, version=version)
    region.wait_until_healthy()


def test_the_newest_is_as_the_facts_say_on_empty_volumes_too(
    region: Container, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if version != VERSIONS[-1] or len(VERSIONS) == 1:
        pytest.skip("the oldest has begun so")
    compose("down", "--volumes", project=PROJECT)
    compose("up", "--detach", "maas", project=PROJECT, version=version)
    region.wait_until_healthy()
    test_it_is_as_the_facts_say(region, version, capsys)
