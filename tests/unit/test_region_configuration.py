from pathlib import Path

import pytest
import yaml

import settings
from maas_init.errors import ConfigurationUnusable
from maas_init.steps import region_configuration

SETTINGS = settings.load(
    {
        "MAAS_URL": "http://192.0.2.10:5240/MAAS",
        "POSTGRES_PASSWORD": "p-1",
        "POSTGRES_PORT": "5433",
        "MAAS_WORKERS": "3",
    }
)


def test_written_once_readable_by_the_owner_and_group_only(tmp_path: Path) -> None:
    path = tmp_path / "regiond.conf"
    assert region_configuration.write(path, SETTINGS)
    assert not region_configuration.write(path, SETTINGS)
    assert path.stat().st_mode & 0o777 == 0o640
    assert yaml.safe_load(path.read_text()) == {
        "maas_url": "http://192.0.2.10:5240/MAAS",
        "database_host": "postgres",
        "database_port": 5433,
        "database_name": "maasdb",
        "database_user": "maas",
        "database_pass": "p-1",
        "num_workers": 3,
    }


def test_keys_that_are_not_ours_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "regiond.conf"
    path.write_text("debug: true\nbroadcast_address: 192.0.2.10\nmaas_url: http://old/MAAS\n")
    region_configuration.write(path, SETTINGS)
    written = yaml.safe_load(path.read_text())
    assert written["debug"] is True
    assert written["broadcast_address"] == "192.0.2.10"
    assert written["maas_url"] == "http://192.0.2.10:5240/MAAS"


def test_with_vault_no_credentials_are_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "regiond.conf"
    path.write_text("vault_url: https://vault.example\ndatabase_pass: old\n")
    region_configuration.write(path, SETTINGS)
    assert not {"database_name", "database_user", "database_pass"} & set(
        yaml.safe_load(path.read_text())
    )


@pytest.mark.parametrize("text", ["a: [", "- a\n- b\n", "\x00"])
def test_a_file_that_is_not_understood_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "regiond.conf"
    path.write_text(text)
    with pytest.raises(ConfigurationUnusable, match="cannot read"):
        region_configuration.write(path, SETTINGS)
    assert path.read_text() == text


def test_an_empty_file_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "regiond.conf"
    path.write_text("")
    assert region_configuration.write(path, SETTINGS)


def test_workers_are_at_least_1_and_at_most_4() -> None:
    assert 1 <= region_configuration.default_workers() <= 4


@pytest.mark.parametrize(
    "text",
    [
        'database_pass: "sec-ret-1\nmaas_url: x\n',
        "database_pass: *sec-ret-1\n",
        "database_pass: [sec-ret-1\n",
        "sec-ret-1: 2024-13-45\n",
    ],
)
def test_what_is_no_yaml_is_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "regiond.conf"
    path.write_text(text)
    with pytest.raises(ConfigurationUnusable) as caught:
        region_configuration.write(path, SETTINGS)
    assert str(caught.value).startswith(f"cannot read {path}")
    assert "sec-ret" not in str(caught.value)


def test_keys_that_are_no_words_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "regiond.conf"
    path.write_text("1: a\n")
    region_configuration.write(path, SETTINGS)
    assert yaml.safe_load(path.read_text())[1] == "a"
