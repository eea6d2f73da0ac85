import getpass
import io
import sys
from pathlib import Path

import pytest

from maas_init.commands import admin
from maas_init.errors import ConfigurationUnusable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def type_in(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    typed = list(answers)
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: typed.pop(0))


def test_a_terminal_is_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "p-1", "p-1")
    assert admin.read_password(None) == "p-1"
    type_in(monkeypatch, "p-1", "p-2")
    with pytest.raises(ConfigurationUnusable, match="are not the same"):
        admin.read_password(None)


def test_the_end_of_input_at_a_terminal_is_no_mistake_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def end(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", end)
    with pytest.raises(ConfigurationUnusable, match="empty password"):
        admin.read_password(None)


def test_standard_input_and_files_lose_their_line_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for text in ("p 1", "p 1\n", "p 1\r\nmore\n"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert admin.read_password(None) == "p 1"
    file = tmp_path / "password"
    file.write_text("p 2\n")
    assert admin.read_password(str(file)) == "p 2"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\n", b"a\nb\n", b"a\x07\n", b"a" * 5000])
def test_what_is_no_password(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(ConfigurationUnusable) as caught:
        admin.read_password(str(file))
    assert str(caught.value).startswith("cannot ")
