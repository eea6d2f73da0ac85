"""The oracle of `make chaos` finds what is wrong, and nothing where all is well."""

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from chaos import oracle as of_chaos
from chaos import scripts
from chaos.oracle import Oracle, Wrong
from chaos.stack import PYTHON
from engine import PROJECT, Container, docker

ZOMBIE = "import os, time; os.fork() or os._exit(0); time.sleep(20)"
REPORT = "/run/maas/init.json"
NODE = "UPDATE auth_user SET is_superuser = {} WHERE username = 'maas-init-node'"


@pytest.fixture
def oracle(maas: Container) -> Iterator[Oracle]:
    secrets = ["secret-that-nobody-tells"]
    stack = SimpleNamespace(maas=maas, postgres=f"{PROJECT}-postgres-1", secrets=secrets)
    oracle = Oracle(stack)  # type: ignore[arg-type]
    oracle.wait_until_healthy()
    oracle.remember()
    yield oracle
    oracle.close()
    maas.run("sh", "-c", "rm /var/lib/maas/backups/*.tar")


def test_where_all_is_well_nothing_is_wrong(oracle: Oracle) -> None:
    oracle.check()


def test_all_that_is_wrong_is_named(
    maas: Container, oracle: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_chaos, "DESCRIPTORS_MORE", 2)  # of 300 clients the monitor gets some

    def in_background(*command: str) -> None:
        docker("exec", "--detach", "--user=568", maas.name, PYTHON, "-I", "-c", *command)

    oracle.check()
    oracle.users.accepted.add("nobody")
    maas.sql(NODE.format("true"))
    maas.sql(f"""UPDATE maasserver_config SET value = '"x"' WHERE name = '{of_chaos.SETTING}'""")
    maas.run("sh", "-c", "echo >>$(ls /var/lib/maas/backups/*.tar)")
    maas.run("touch", "/var/lib/maas/forgotten.partial")
    maas.run("sh", "-c", f"cp {REPORT} /tmp/report; sed -i s/done/failed/ {REPORT}")
    maas.run("sh", "-c", "echo secret-that-nobody-tells >>/var/log/maas/regiond.log")
    in_background(ZOMBIE)
    in_background("import time; time.sleep(20)", "secret-that-nobody-tells")
    in_background(scripts.BE_A_BAD_CLIENT, "slow", "1", "20")
    try:
        with pytest.raises(Wrong) as wrong:
            oracle.check()
    finally:
        maas.run("rm", "/var/lib/maas/forgotten.partial")
        maas.run("sh", "-c", f"cat /tmp/report >{REPORT}; rm /tmp/report")
        maas.run("sed", "-i", "/nobody-tells/d", "/var/log/maas/regiond.log")
        maas.sql(NODE.format("false"))
    for words in (
        "administrators: .*'maas-init-node'",
        "users are lost: .*nobody",
        f"{of_chaos.SETTING} is 'x'",
        "backups/.*has changed",
        "left over: .*forgotten.partial",
        "init.json says",
        "a secret in .*regiond.log",
        "a secret in the arguments",
        "a zombie",
        "monitor has grown",
    ):
        assert re.search(words, str(wrong.value)), (words, str(wrong.value))


def test_who_does_not_get_well_is_named(
    maas: Container, oracle: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_chaos, "RECOVERY_SECONDS", 5)
    maas.run("chmod", "0500", "/var/lib/maas")
    try:
        with pytest.raises(Wrong, match="not healthy within 5 s: running"):
            oracle.wait_until_healthy()
    finally:
        maas.run("chmod", "0750", "/var/lib/maas")
