"""PID 1: what programs inherit: secrets and limits."""

from pathlib import Path

from eventually import eventually
from pid1 import ROOT, Pid1

from supervisord import program_file

SECRETS = {
    "POSTGRES_PASSWORD": "p-1",
    "MAAS_ADMIN_PASSWORD": "p-2",
    "MAAS_SETTING_http_proxy": "http://me:p-3@proxy:3128",
}


def environ(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


def test_secrets_reach_only_the_programs_that_name_them_across_sighup(pid1: Pid1) -> None:
    pid1.program("init", "sleep 1000", secrets=f"{' '.join(list(SECRETS)[:2])} MAAS_SETTING_*")
    pid1.program("healthcheck", "sleep 1000", secrets="POSTGRES_PASSWORD")
    pid1.program("regiond", "sleep 1000")
    pid1.start(**SECRETS)
    for round_ in (1, 2):
        eventually(lambda count=round_: pid1.said().count("regiond starts") == count)  # type: ignore[misc]
        assert all(secret in environ(pid1.pid("init")) for secret in SECRETS.values())
        assert "p-1" in environ(pid1.pid("healthcheck"))
        assert not any(text in environ(pid1.pid("healthcheck")) for text in ("p-2", "p-3"))
        assert not any(name in environ(pid1.pid("regiond")) for name in SECRETS)
        pid1.send(1)
    assert not any(secret in pid1.text() for secret in SECRETS.values())


def test_the_shipped_programs_name_no_more_than_they_need() -> None:
    programs = program_file.read_all(ROOT / "supervisord/supervisord.conf")
    named = {program.name: set(program.secrets) for program in programs.values() if program.secrets}
    assert named == {
        "init": {"POSTGRES_PASSWORD", "MAAS_ADMIN_PASSWORD", "MAAS_SETTING_*"},
        "apply": {"POSTGRES_PASSWORD", "MAAS_SETTING_*"},
        "healthcheck": {"POSTGRES_PASSWORD"},
    }


def test_limits_are_one_programs_and_never_above_the_containers(pid1: Pid1) -> None:
    pid1.program("limited", "sleep 1000", rlimits="nofile=123 core=0")
    pid1.program("greedy", "sleep 1000", rlimits="nofile=4000000000")
    pid1.program("other", "sleep 1000")
    pid1.start()

    def limits(name: str) -> dict[str, list[str]]:
        lines = Path(f"/proc/{pid1.pid(name)}/limits").read_text().splitlines()[1:]
        return {line[:25].strip(): line[25:].split() for line in lines}

    assert limits("limited")["Max open files"][:2] == ["123", "123"]
    assert limits("limited")["Max core file size"][:2] == ["0", "0"]
    other = limits("other")["Max open files"]
    assert other[0] != "123"
    assert limits("greedy")["Max open files"][:2] == [other[1], other[1]]
