"""docs/operations.md: its commands run, in their order, in a copy of the repository."""

import re
import subprocess
from pathlib import Path

import pytest
from copied import OFFLINE, run
from documented import NOT_TESTED, Block, blocks, unproven
from engine import ROOT

TEXT = (ROOT / "docs/operations.md").read_text()
BLOCKS = blocks(TEXT)


def test_every_command_in_the_text_is_in_a_block_or_says_why_not() -> None:
    assert unproven(TEXT) == []


def test_every_reason_is_one() -> None:
    for block in BLOCKS:
        for line in block.not_tested:
            assert len(line.partition(NOT_TESTED)[2].split()) >= 2, line


def test_the_commands(image: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tested = not_tested = 0
    for block in BLOCKS:
        tested += len(block.tested)
        not_tested += len(block.not_tested)
        script = ["set -e -o pipefail"]
        for line in block.tested:
            script.append(line)
            if line.startswith("scripts/make-env"):
                script.append("cat offline.env >> .env")
        (project / "offline.env").write_text(OFFLINE)
        result: subprocess.CompletedProcess[str] = run(project, "bash", "-c", "\n".join(script))
        print(f"block {block.number}: {len(block.tested)} commands\n{result.stdout}")
        assert result.returncode == 0, f"{block.tested}\n…{result.stdout[-3000:]}"
        check(block, result.stdout)
    with capsys.disabled():
        print(f"\ndocs/operations.md: {tested} commands ran, {not_tested} are not tested")
    assert tested > 40


def check(block: Block, output: str) -> None:
    """Look at more than the exit status where a block promises more."""
    last = block.lines[-1]
    if last.endswith("maas-init apply"):
        for name in ("upstream_dns", "ntp_servers", "enable_analytics"):
            assert f"MAAS_SETTING_{name}: unchanged" in output
    elif last == "ls -l backups":
        assert re.search(r"^-rw------- .*maas-backup-\d+T\d+Z.tar$", output, re.M)
    elif "maas-init restore" in "".join(block.lines):
        assert "restored: docker compose up -d" in output
    elif last.endswith(" healthcheck") and "config-tls enable" in "".join(block.lines):
        assert '"version"' in output
        assert re.search(r"(?<!un)healthy: ", output)
