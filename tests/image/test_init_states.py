"""`maas-init run` on every state of a database, with every version of MAAS, on two PostgreSQLs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from databases import (
    ADMIN_PASSWORD,
    PASSWORD,
    SERVERS,
    VERSIONS,
    Postgres,
    Runner,
    make_templates,
    running,
)
from engine import build


@dataclass(frozen=True)
class Case:
    """A database, and what each version must make of it.

    `expected` has a word for each of VERSIONS: the state that is found. Where that is "ahead" or
    "foreign" the run must be refused, else it must end with a current database.
    """

    name: str
    template: str
    expected: tuple[str, str, str]
    change: str = ""


CASES = (
    Case("empty", "template0", ("empty", "empty", "empty")),
    Case("a 3.4", "of-3.4", ("behind", "behind", "behind")),
    Case("a 3.5", "of-3.5", ("current", "behind", "behind")),
    Case("a 3.6", "of-3.6", ("ahead", "current", "behind")),
    Case("a 3.7", "of-3.7", ("ahead", "ahead", "current")),
    Case("a 3.5 that 3.7 has upgraded", "upgraded-to-3.7", ("ahead", "ahead", "current")),
    Case(
        "cut off before the first migration",
        "template0",
        ("behind", "behind", "behind"),
        "CREATE TABLE django_migrations (id bigserial, app text, name text, applied timestamptz)",
    ),
    Case(
        "cut off before the views",
        "of-3.5",
        ("partial", "behind", "behind"),
        "DROP VIEW maasserver_discovery; DROP VIEW maasserver_routable_pairs",
    ),
    Case(
        "cut off before Temporal",
        "of-3.5",
        ("partial", "behind", "behind"),
        "DROP SCHEMA temporal CASCADE; DROP SCHEMA temporal_visibility CASCADE",
    ),
    Case(
        "a 3.7 cut off before Temporal",
        "of-3.7",
        ("ahead", "ahead", "partial"),
        "DROP SCHEMA temporal_visibility CASCADE",
    ),
    Case("a 3.7 cut off between Django's last two", "trapped", ("ahead", "ahead", "partial")),
    Case(
        "cut off within Temporal's",
        "of-3.5",
        ("partial", "behind", "behind"),
        "UPDATE temporal.schema_version SET curr_version = '0.0'; DROP TABLE"
        " temporal.cluster_membership; DROP TABLE temporal_visibility.schema_version",
    ),
    Case(
        "a 3.7 cut off within Temporal's",
        "of-3.7",
        ("ahead", "ahead", "partial"),
        "DELETE FROM temporal_visibility.schema_version",
    ),
    Case(
        "restored under another name",
        "of-3.5",
        ("partial", "behind", "behind"),
        "UPDATE temporal.schema_version SET db_name = 'before'",
    ),
    Case(
        "a later 3.7",
        "of-3.7",
        ("ahead", "ahead", "ahead"),
        "UPDATE alembic_version SET version_num = '0030'",
    ),
    Case(
        "a later 3.6",
        "of-3.6",
        ("ahead", "ahead", "ahead"),
        "INSERT INTO django_migrations (app, name, applied) VALUES ('maasserver', '0340_x', now())",
    ),
    Case(
        "a 3.7 without its revision",
        "of-3.7",
        ("ahead", "ahead", "foreign"),
        "TRUNCATE alembic_version",
    ),
    Case("somebody's tables", "template0", ("foreign",) * 3, "CREATE TABLE invoices (id int)"),
    Case(
        "somebody's schema",
        "template0",
        ("foreign",) * 3,
        "CREATE SCHEMA shop; CREATE TABLE shop.invoices (id int)",
    ),
    Case(
        "another Django application",
        "template0",
        ("foreign",) * 3,
        "CREATE TABLE django_migrations (id bigserial, app text, name text, applied timestamptz);"
        "INSERT INTO django_migrations (app, name) VALUES ('auth', '0001_initial'),"
        " ('shop', '0001_initial')",
    ),
    Case(
        "another Alembic application",
        "template0",
        ("foreign",) * 3,
        "CREATE TABLE alembic_version (version_num text)",
    ),
)


@pytest.fixture(scope="module")
def runners(image: str, network: str) -> Iterator[dict[str, Runner]]:
    for version in VERSIONS:
        build(version)
    runners = {version: Runner(version) for version in VERSIONS}
    with running(*runners.values()):
        yield runners


@pytest.fixture(scope="module", params=SERVERS, ids=lambda major: f"PostgreSQL {major}")
def server(request: pytest.FixtureRequest, runners: dict[str, Runner]) -> Iterator[Postgres]:
    server = Postgres(request.param)
    with running(server):
        make_templates(server, runners)
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_state(server: Postgres, runners: dict[str, Runner], case: Case) -> None:
    """Each version of the image, side by side, on a database of its own."""
    for version in VERSIONS:
        server.copy(case.template, f"case-{version}")
        if case.change:
            server.sql(case.change, f"case-{version}")
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(lambda version: check_state(server, runners[version], case), VERSIONS):
            pass


def check_state(server: Postgres, runner: Runner, case: Case) -> None:
    version, database = runner.version, f"case-{runner.version}"
    before = server.dump(database)
    runner.clear()
    result = runner.init(server, database)
    assert "Traceback" not in result.output
    assert PASSWORD not in result.output
    assert ADMIN_PASSWORD not in result.output
    expected = case.expected[VERSIONS.index(version)]
    refusal = refused_with(server, version, expected)
    if refusal:
        status, words = refusal
        assert result.status == status, result.output
        assert words in result.output
        assert result.output.count("ERROR ") == 1
        assert server.dump(database) == before
        assert runner.files() == []
        return
    assert result.status == 0, result.output
    assert f"the database is {expected}: " in result.output
    status_after = runner.status(server, database)
    assert status_after["database"]["state"] == "current"
    admins = "SELECT count(*) FROM auth_user WHERE is_superuser AND username <> 'MAAS'"
    assert server.sql(admins, database).strip() == "1"
    dumps = [file for file in runner.files() if file.endswith(".dump")]
    assert len(dumps) == (expected not in ("empty", "current"))
    if expected == "current":
        assert server.dump(database) == before
    again = runner.init(server, database)
    assert again.status == 0
    assert "the database is current: " in again.output


def refused_with(server: Postgres, version: str, expected: str) -> tuple[int, str] | None:
    """Return exit status and words of a refusal, None where there must be none."""
    if server.major == "17" and version == "3.5":  # Debian 12's client is 15
        return 78, "this image's client is 15"
    if expected == "ahead":
        return 65, "it is newer than the MAAS in this image"
    if expected == "foreign":
        return 65, f"cannot use the database case-{version}: it"
    return None
