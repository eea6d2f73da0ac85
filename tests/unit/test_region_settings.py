from pathlib import Path

import pytest

import settings
from settings.region import RegionSetting, read_region_settings

NEEDED = {"MAAS_URL": "http://192.0.2.10:5240/MAAS", "POSTGRES_PASSWORD": "x"}


def test_what_is_declared_is_read_and_what_is_empty_left_alone(tmp_path: Path) -> None:
    proxy = tmp_path / "proxy"
    proxy.write_text("http://me:secret@proxy:3128\n")
    loaded = settings.load(
        NEEDED
        | {
            "MAAS_SETTING_upstream_dns": " 192.0.2.1 ",
            "MAAS_SETTING_NTP_SERVERS": "ntp.example.com",
            "MAAS_SETTING_kernel_opts": "",
            "MAAS_SETTING_dnssec_validation": " ",
            "MAAS_SETTING_http_proxy_FILE": str(proxy),
            "MAAS_SETTING_vcenter_password": "p-1",
        }
    )
    assert loaded.region_settings == {
        "http_proxy": RegionSetting("http://me:secret@proxy:3128", secret=True),
        "ntp_servers": RegionSetting("ntp.example.com", secret=False),
        "upstream_dns": RegionSetting("192.0.2.1", secret=False),
        "vcenter_password": RegionSetting("p-1", secret=True),
    }
    assert "secret" not in repr(loaded)


def test_what_no_setting_can_be_is_named_with_all_other_problems() -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.load(
            NEEDED
            | {
                "POSTGRES_PORT": "x",
                "MAAS_SETTING_a": "1",
                "MAAS_SETTING_A": "2",
                "MAAS_SETTING_b_FILE": "/nowhere",
                "MAAS_SETTING_c": "one\ntwo",
                "MAAS_SETTING_": "x",
            }
        )
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 5
    assert "POSTGRES_PORT " in text
    assert "MAAS_SETTING_a declares a, which another variable does, too" in text
    assert "MAAS_SETTING_b_FILE cannot be read from /nowhere" in text
    assert "MAAS_SETTING_c holds a line break" in text
    assert "MAAS_SETTING_ names no setting" in text


def test_they_are_not_unknown() -> None:
    assert settings.warnings({"MAAS_SETTING_upstream_dns": "192.0.2.1"}) == []
    assert read_region_settings({"MAAS_SETTINGS_x": "1"}) == ({}, [])
    assert settings.warnings({"MAAS_SETTINGS_x": "1"}) != []


def test_what_maas_says_of_a_secret_does_not_show_it() -> None:
    assert RegionSetting("p-1", secret=True).hidden_in("p-1 is too short") == "*** is too short"
    assert RegionSetting("p-1", secret=False).hidden_in("p-1 is too short") == "p-1 is too short"


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("lp:me", ("lp:me",)),
        ("lp:me gh:me.too-x", ("lp:me", "gh:me.too-x")),
        ("gh:a, gh:a,lp:b", ("gh:a", "lp:b")),
    ],
)
def test_ssh_key_sources(text: str, sources: tuple[str, ...]) -> None:
    assert settings.load(NEEDED | {"MAAS_ADMIN_SSH_IMPORT": text}).maas_admin_ssh_import == sources


@pytest.mark.parametrize("text", ["me", "gitlab:me", "lp:", "gh:a b", ","])
def test_wrong_ssh_key_sources(text: str) -> None:
    with pytest.raises(settings.SettingsError, match=r"MAAS_ADMIN_SSH_IMPORT is .* lp:NAME or gh:"):
        settings.load(NEEDED | {"MAAS_ADMIN_SSH_IMPORT": text})
