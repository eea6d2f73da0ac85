from pathlib import Path

import pytest

from maas_init import run
from maas_init.errors import ConfigurationUnusable
from maas_init.steps import low_ports


@pytest.mark.parametrize("first", [0, 53])
def test_ports_that_everybody_may_have(tmp_path: Path, first: int) -> None:
    sysctl = tmp_path / "ip_unprivileged_port_start"
    sysctl.write_text(f"{first}\n")
    assert low_ports.problems(sysctl) == []


@pytest.mark.parametrize("first", [54, 1024])
def test_ports_that_are_roots_are_named_with_the_command(tmp_path: Path, first: int) -> None:
    sysctl = tmp_path / "ip_unprivileged_port_start"
    sysctl.write_text(f"{first}\n")
    (problem,) = low_ports.problems(sysctl)
    assert f"is {first}" in problem
    assert "sysctl -w net.ipv4.ip_unprivileged_port_start=53" in problem


def test_a_kernel_that_does_not_tell(tmp_path: Path) -> None:
    assert low_ports.problems(tmp_path / "nothing") == []
    (tmp_path / "something").write_text("else")
    assert low_ports.problems(tmp_path / "something") == []


def test_it_is_reported_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAAS_URL", "MAAS_ADMIN_PASSWORD", "POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationUnusable) as caught:
        run.load_settings(["the ports are not there"])
    assert str(caught.value) == "cannot use the settings: 4 are wrong"
    assert caught.value.details[-1] == "the ports are not there"
