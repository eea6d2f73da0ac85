"""Program files, with the keys that are the plugin's own."""

import random
import resource
from pathlib import Path

from fuzzing import Fuzzer
from hypothesis import strategies as st
from mutation import TOKENS, mutate, ops, pick, vary
from pid1 import ROOT

from supervisord import program_file
from supervisord.program_file import OWN_KEYS, STOCK_KEYS, ProgramFileError

SHIPPED = sorted((ROOT / "supervisord/programs").glob("*.conf"))
MAIN = "[supervisord]\npidfile=/run/x/supervisord.pid\n[include]\nfiles=programs/*.conf\n"
NAMES = st.sampled_from(("init", "a", "b", "c", "", "ü", "a b", "x" * 300, "group:a", "9"))
WORDS = pick(
    (
        *("init", "a", "b", "c", "/run/x", "/", "//", "true", "FALSE", "yes", "maybe", "0", "1"),
        *("0.0", "nofile=1", "nofile=unlimited", "nofile=-1", "nproc=5", "core=", "=", "x=1"),
        *(f"nofile={'9' * 25}", f"nofile={'9' * 5000}", "nofile=\u0663", "%(here)s", "%(x", "$x"),
        *("; c", " # c", "\n  a", "\n b = c", "\0", "proxy", "POSTGRES_*", "\u2028", "\x1c", ":"),
    )
)
SPECIAL = (*TOKENS, b"needs=", b"[program:a]\n", b"rlimits=nofile=9", b"\n [")
LIKELY = (
    *(("needs", "a"), ("needs", "b c"), ("needs", "/run/x"), ("command", "x"), ("pebble", "proxy")),
    *(("essential", "true"), ("essential", "maybe"), ("autostart", "no"), ("startsecs", "0")),
    *(("rlimits", "nofile=9 core=0"), ("rlimits", "nproc=5"), ("rlimits", f"nofile={2**63}")),
)
ENTRIES = st.lists(
    pick(LIKELY)
    | st.tuples(
        st.sampled_from(sorted(OWN_KEYS | STOCK_KEYS)) | st.sampled_from(("need", "", "A", "ü")),
        st.lists(WORDS | st.text(max_size=3), max_size=4).map(" ".join),
    ),
    max_size=6,
)
SECTIONS = st.builds(
    lambda kind, name, entries: f"[{kind}:{name}]\n" + "".join(f"{k}={v}\n" for k, v in entries),
    st.sampled_from(("program", "program", "program", "eventlistener", "group", "x")),
    NAMES,
    ENTRIES,
)
FILES = st.lists(SECTIONS, max_size=3).map(
    lambda texts: "".join(texts).encode("utf-8", "replace")
) | st.builds(
    mutate,
    pick([path.read_bytes() for path in SHIPPED]),
    ops(3, SPECIAL),
)
CASES = st.tuples(
    st.builds(
        mutate, st.just(MAIN.encode()), ops(1, (*TOKENS, b"[", b"*", b"**", b"[z-a]", b"files="))
    ),
    st.lists(FILES, min_size=1, max_size=3),
)


def other(value: tuple[bytes, list[bytes]], chance: random.Random) -> tuple[bytes, list[bytes]]:
    main, files = value
    return main, [vary(file[:5000], chance, SPECIAL) for file in files]


def test_program_files(fuzzer: Fuzzer, tmp_path: Path) -> None:
    """They are read, or refused with words that name the file."""
    (tmp_path / "programs").mkdir()
    configuration = tmp_path / "supervisord.conf"

    def case(value: tuple[bytes, list[bytes]]) -> None:
        main, files = value
        configuration.write_bytes(main)
        for number in range(3):
            path = tmp_path / f"programs/{number}.conf"
            path.write_bytes(files[number] if number < len(files) else b"")
        try:
            programs = program_file.read_all(configuration)
            program_file.run_directory(configuration)
        except ProgramFileError as error:
            said = str(error)
        else:
            said = ""
            for program in programs.values():
                assert all(need.startswith("/") or need in programs for need in program.needs)
                for limit in program.rlimits.values():
                    assert limit == resource.RLIM_INFINITY or 0 <= limit < 2**63
        assert not said or str(tmp_path) in said

    chain = "".join(f"[program:{n}]\nneeds={n + 1}\n" for n in range(3000)) + "[program:3000]\n"
    circle = "[program:a]\nneeds=b /x\n[program:b]\nneeds=c\n[program:c]\nneeds=a\n"
    no_path = MAIN.replace("files=", "files=\0").encode()
    huge = f"[program:a]\nrlimits=nofile={2**63}\n"
    kept = (*((MAIN.encode(), [text.encode()]) for text in (circle, chain, huge)), (no_path, []))
    fuzzer.run(case, CASES, kept, other)
