import re
from pathlib import Path

import settings
from settings.unknown import MAAS_VARIABLES

ROOT = Path(__file__).parents[2]


def test_a_misspelt_name_gets_the_nearest_known_one() -> None:
    (warning,) = settings.warnings({"MAAS_ADMIN_PASWORD": "secret-1"})
    assert warning.startswith("MAAS_ADMIN_PASWORD is no setting")
    assert "did you mean MAAS_ADMIN_PASSWORD?" in warning
    assert "secret-1" not in warning


def test_what_is_near_to_nothing_is_said_too() -> None:
    (warning,) = settings.warnings({"MAAS_XYZZY_PLUGH": "1"})
    assert "docs/configuration.md" in warning


def test_known_names_empty_ones_and_others_are_left_alone() -> None:
    names = ("MAAS_URL", "POSTGRES_PASSWORD_FILE", "MAAS_HTTP_PORT", "MAAS_ROOT")
    known = dict.fromkeys(names, "x")
    others = {"UID": "568", "PUID": "568", "UMASK": "002", "TZ": "UTC", "POSTGRESQL": "x"}
    assert settings.warnings(known | others | {"MAAS_EMPTY": ""}) == []


def test_a_file_for_what_is_no_secret_is_unknown() -> None:
    (warning,) = settings.warnings({"MAAS_URL_FILE": "/run/secrets/url"})
    assert "did you mean MAAS_URL?" in warning


def test_the_image_s_own_variables_are_known() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    set_there = set(re.findall(r"^(?:ENV|   ) +(MAAS_\w+)=", dockerfile, re.M))
    assert len(set_there) > 10
    assert set_there <= MAAS_VARIABLES
