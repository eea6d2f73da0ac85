from pathlib import Path

import pytest

import settings
from settings import SettingsError, document

NEEDED = {"MAAS_URL": "http://192.0.2.10:5240/MAAS", "POSTGRES_PASSWORD": "p-1"}
ROOT = Path(__file__).parents[2]


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings.load(environment)
    return caught.value.problems


def test_defaults() -> None:
    loaded = settings.load(NEEDED)
    assert loaded.postgres_host == "postgres"
    assert loaded.postgres_port == 5432
    assert loaded.maas_db_wait == 60
    assert loaded.maas_health_listen == ("0.0.0.0", 9568)
    assert loaded.maas_admin_password is None
    assert loaded.maas_workers is None
    assert loaded.maas_migrate_without_dump is False


def test_an_empty_variable_counts_as_not_set() -> None:
    assert settings.load(NEEDED | {"POSTGRES_PORT": ""}).postgres_port == 5432
    assert problems(NEEDED | {"MAAS_URL": ""})[0].startswith("MAAS_URL is not set")


def test_all_problems_are_reported_at_once_each_with_an_example() -> None:
    found = problems({"POSTGRES_PORT": "x", "MAAS_WORKERS": "99", "MAAS_ADMIN_EMAIL": "nobody"})
    names = [problem.split()[0] for problem in found]
    assert names == [
        "MAAS_URL",
        "MAAS_ADMIN_EMAIL",
        "POSTGRES_PORT",
        "POSTGRES_PASSWORD",
        "MAAS_WORKERS",
        "MAAS_ADMIN_PASSWORD",
    ]
    assert all("Example: " in problem for problem in found)


def test_what_only_the_first_start_needs_is_named_with_what_is_missing() -> None:
    nothing = [problem.split(". ")[0] for problem in problems({})]
    assert nothing == [
        "MAAS_URL is not set",
        "POSTGRES_PASSWORD is not set",
        "MAAS_ADMIN_PASSWORD is not set, and the first start needs it",
    ]
    assert len(problems({"MAAS_ADMIN_PASSWORD": "p-2"})) == 2
    assert len(problems(NEEDED | {"POSTGRES_PORT": "x"})) == 1


@pytest.mark.parametrize(
    "url",
    [
        "192.0.2.10:5240/MAAS",
        "http:///MAAS",
        "http://host:5240",
        "ftp://host/MAAS",
        "http://host:99999/MAAS",
        "http://[::1/MAAS",
        "http://host/MAAS?x=1",
    ],
)
def test_urls_that_cannot_be_a_region(url: str) -> None:
    assert problems(NEEDED | {"MAAS_URL": url})[0].startswith("MAAS_URL ")


def test_a_url_must_not_hold_a_password_and_is_not_shown_then() -> None:
    (problem,) = problems(NEEDED | {"MAAS_URL": "http://me:pass-3@host/MAAS"})
    assert "user name or password" in problem
    assert "pass-3" not in problem


def test_a_url_loses_its_last_slash() -> None:
    loaded = settings.load(NEEDED | {"MAAS_URL": "https://maas.example:5443/MAAS/"})
    assert loaded.maas_url == "https://maas.example:5443/MAAS"


@pytest.mark.parametrize("password", ['a"b', "a\\b", "a@b", "a%b", "a b", "a\nb"])
def test_database_passwords_that_maas_cannot_carry(password: str) -> None:
    (problem,) = problems(NEEDED | {"POSTGRES_PASSWORD": password})
    assert problem.startswith("POSTGRES_PASSWORD holds a character")
    assert password not in problem


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from-a-file\n")
    environment = {"MAAS_URL": NEEDED["MAAS_URL"], "POSTGRES_PASSWORD_FILE": str(file)}
    assert settings.load(environment).postgres_password == "from-a-file"
    (problem,) = problems(environment | {"POSTGRES_PASSWORD": "x"})
    assert "both set" in problem
    file.write_text("\n")
    assert "is empty" in problems(environment)[0]
    file.write_bytes(b"\xff\n")
    assert "not text" in problems(environment)[0]
    device = {"MAAS_URL": NEEDED["MAAS_URL"], "POSTGRES_PASSWORD_FILE": "/dev/zero"}
    assert "longer than" in problems(device)[0]
    file.unlink()
    assert "No such file" in problems(environment)[0]


def test_secrets_do_not_show() -> None:
    loaded = settings.load(NEEDED | {"MAAS_ADMIN_PASSWORD": "p-2"})
    assert "p-1" not in repr(loaded)
    assert "p-2" not in repr(loaded)
    assert settings.secret_names() == {"POSTGRES_PASSWORD", "MAAS_ADMIN_PASSWORD"}


def test_a_program_may_read_one_setting_without_the_others() -> None:
    assert settings.read("MAAS_SYSLOG_DAYS", {}) == 30
    assert settings.read("MAAS_SYSLOG_DAYS", {"MAAS_SYSLOG_DAYS": "7"}) == 7
    with pytest.raises(ValueError, match="from 1 to 3650"):
        settings.read("MAAS_SYSLOG_DAYS", {"MAAS_SYSLOG_DAYS": "0"})


@pytest.mark.parametrize(
    ("address", "expected"), [("[::]:9568", ("::", 9568)), ("127.0.0.1:80", ("127.0.0.1", 80))]
)
def test_listen_addresses(address: str, expected: tuple[str, int]) -> None:
    assert settings.load(NEEDED | {"MAAS_HEALTH_LISTEN": address}).maas_health_listen == expected


@pytest.mark.parametrize("address", ["9568", "host:", "host:99999", "a:1/b", "[::1:9568"])
def test_wrong_listen_addresses(address: str) -> None:
    assert "ADDRESS:PORT" in problems(NEEDED | {"MAAS_HEALTH_LISTEN": address})[0]


def test_generated_documents_are_up_to_date() -> None:
    hint = "run: python -m settings.document"
    assert (ROOT / ".env.example").read_text() == document.env_example(), hint
    assert (ROOT / "docs/configuration.md").read_text() == document.configuration(), hint
    readme = (ROOT / "README.md").read_text()
    assert readme == document.readme(readme), hint
    assert "| `MAAS_URL` | required |" in readme


def test_compose_passes_every_setting_and_the_example_explains_every_variable() -> None:
    import re

    compose = (ROOT / "compose.yaml").read_text()
    example = (ROOT / ".env.example").read_text()
    declared = {d.name for d in document.declarations()}
    for name in declared | {f"{secret}_FILE" for secret in settings.secret_names()}:
        assert re.search(rf"^      {name}: ", compose, re.M), name
    for name in re.findall(r"\$\{(\w+)", compose):
        assert name.removesuffix("_FILE") in declared or re.search(rf"^#?{name}=", example, re.M), (
            name
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_HOST", "postgres..local"),
        ("POSTGRES_HOST", "a" * 64),
        ("POSTGRES_HOST", "host/x"),
        ("POSTGRES_HOST", "postgres:5432"),
        ("POSTGRES_HOST", "http://postgres"),
        ("MAAS_URL", "http://ma as:5240/MAAS"),
        ("MAAS_URL", "http://0.0.0.0:5240/MAAS"),
        ("POSTGRES_USER", "me:x"),
        ("POSTGRES_USER", "100%"),
        ("POSTGRES_DB", "a/b"),
        ("POSTGRES_DB", "-x"),
        ("POSTGRES_DB", "a=b"),
        ("MAAS_ADMIN_USERNAME", "MAAS"),
        ("MAAS_ADMIN_USERNAME", "maas-init-node"),
    ],
)
def test_names_that_maas_cannot_carry_or_keeps(name: str, value: str) -> None:
    (problem,) = problems(NEEDED | {name: value})
    assert problem.startswith(f"{name} ")


@pytest.mark.parametrize("host", ["postgres", "192.0.2.1", "::1", "db.example.com", "/run/pg"])
def test_hosts(host: str) -> None:
    assert settings.load(NEEDED | {"POSTGRES_HOST": host}).postgres_host == host
