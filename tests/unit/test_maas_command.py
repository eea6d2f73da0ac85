import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from eventually import eventually

from maas_init import maas_command, run
from maas_init.errors import Unforeseen
from maas_init.maas_command import CommandFailed
from maas_init.paths import Paths


def python(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def test_output_comes_line_by_line_and_stdin_is_fed() -> None:
    lines: list[str] = []
    output = maas_command.run(
        python("import sys; print(input()); print('error', file=sys.stderr)"),
        timeout=10,
        stdin="answer\n",
        on_line=lines.append,
    )
    assert lines == ["answer", "error"]
    assert output == "answer\nerror"


def test_children_get_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "p-1")
    monkeypatch.setenv("MAAS_SETTING_http_proxy", "http://me:p-2@proxy:3128")
    monkeypatch.setenv("MAAS_ROOT", "/data")
    output = maas_command.run(python("import os; print(dict(os.environ))"), timeout=10)
    assert "p-1" not in output
    assert "p-2" not in output
    assert "/data" in output


def test_a_secret_in_the_output_is_hidden() -> None:
    output = maas_command.run(python("print('--password p-1 x')"), timeout=10, hide="p-1")
    assert output == "--password *** x"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("print('why'); raise SystemExit(3)", "ended with status 3: why"),
        (
            "raise SystemExit('a.b.DiskFull: no space\\nDETAIL:  more\\n  HINT: x\\nlast.')",
            "ended with status 1: a.b.DiskFull: no space$",
        ),
        ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL: no output"),
    ],
)
def test_how_a_command_failed(source: str, words: str) -> None:
    with pytest.raises(CommandFailed, match=words):
        maas_command.run(python(source), timeout=10)


def test_a_command_that_does_not_end_is_ended() -> None:
    with pytest.raises(CommandFailed, match="did not end within"):
        maas_command.run(python("import time; time.sleep(60)"), timeout=0.3)


def test_endless_output_fills_no_memory() -> None:
    with pytest.raises(CommandFailed, match="did not end within") as caught:
        maas_command.run(
            python("import sys\nwhile True: sys.stdout.write('Password: ')"), timeout=1
        )
    assert len(str(caught.value)) < 2 * maas_command.LONGEST_LINE


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import os, time; os.close(1); os.close(2); time.sleep(1)", None),
        ("import os, time; os.close(1); os.close(2); time.sleep(60)", "did not end within"),
        ("import subprocess; subprocess.Popen(['sleep', '20'])", None),
    ],
)
def test_neither_output_nor_end_alone_is_waited_for(source: str, status: str | None) -> None:
    begun = time.monotonic()
    if status:
        with pytest.raises(CommandFailed, match=status):
            maas_command.run(python(source), timeout=3)
    else:
        maas_command.run(python(source), timeout=15)
    assert time.monotonic() - begun < 10


def test_an_exception_in_between_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maas_command, "TICK_SECONDS", 0.1)

    def fail() -> None:
        raise KeyError

    begun = time.monotonic()
    with pytest.raises(KeyError):
        maas_command.run(python("import time; time.sleep(60)"), timeout=60, on_tick=fail)
    assert time.monotonic() - begun < 10


def test_a_command_ends_with_who_has_called_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    source = (
        "import sys; from maas_init import maas_command;"
        f"maas_command.run([sys.executable, '-c', {child!r}], timeout=60)"
    )
    caller = subprocess.Popen(python(source), cwd=Path(__file__).parents[2])
    eventually(lambda: pid_file.exists() and pid_file.read_text())
    caller.kill()
    caller.wait()
    stat = Path(f"/proc/{pid_file.read_text()}/stat")
    eventually(lambda: not stat.exists() or ") Z " in stat.read_text())


def test_a_django_command_is_named_by_its_name() -> None:
    with pytest.raises(CommandFailed, match=r"^nonsense ended with status 1: "):
        maas_command.run(maas_command.django("nonsense"), timeout=10)


def test_one_that_nobody_expected_to_fail_is_no_mistake_of_ours(
    environment: Mapping[str, str],
) -> None:
    with pytest.raises(CommandFailed) as caught:
        maas_command.run(["sh", "-c", "kill -9 $$"], timeout=10)
    ended = run.reason(caught.value, Paths.from_environment(environment))
    assert str(ended) == "cannot go on: sh was ended by SIGKILL: no output"
    assert ended.exit_status == 75
    assert not isinstance(ended, Unforeseen)
