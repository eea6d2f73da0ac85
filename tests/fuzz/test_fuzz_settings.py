"""Whatever the environment holds: no traceback, and no secret in what is said."""

import contextlib
import io
import logging
import random
from pathlib import Path
from unittest import mock

from fuzzing import Fuzzer
from hypothesis import strategies as st
from mutation import TOKENS, pick, vary

import settings
from maas_init import log, run
from maas_init.errors import ConfigurationUnusable
from settings.declaration import declarations

DECLARED = list(declarations())
NAMES = [d.name for d in DECLARED]
SECRETS = sorted(settings.secret_names())
MARK = "s3cr3t-"  # no output has this by itself
FILE = "@file@"
GOOD = {"MAAS_URL": "http://192.0.2.10:5240/MAAS", "POSTGRES_PASSWORD": f"{MARK}x"}

# What an environment can hold: any byte but NUL, as Python shows it.
TEXT = st.binary(max_size=40).map(
    lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape")
)
LIKELY = pick(
    [
        *("", " ", "0", "-1", "99999999999999999999", "yes", "text", "admin", "a@b", "::", "\n"),
        *("[::1]:9568", "http://h/MAAS", "https://[::1/MAAS", "http://h:x/MAAS", "\udcff"),
        *("/dev/null", "/dev/zero", "/", "/proc/self/mem", "x" * 5000, "%(x)s", "{x}", "$x", "ü€"),
        *("9" * 5000, "\u0663", "1_0", "lp:a,gh:b", "lp:", "[::1%eth0]:1", "http://\u2100/MAAS"),
    ]
)
# One that is good but for a place or two.
NEARLY = st.builds(
    lambda text, place, instead: (
        text[: place % len(text)] + instead + text[place % len(text) + 1 :]
    ),
    st.sampled_from([d.example for d in DECLARED if d.example]),
    st.integers(0, 50),
    st.text(max_size=2) | TEXT,
).map(lambda text: text.replace("\0", "").encode("utf-8", "replace").decode())
VALUES = TEXT | LIKELY | NEARLY
OTHERS = st.dictionaries(
    st.sampled_from([f"{name}_FILE" for name in NAMES] + [name[:-1] for name in NAMES])
    | TEXT.map(lambda text: f"MAAS_{text}".replace("=", ""))
    | st.sampled_from(["a", "A", "", "b_key", "_FILE", "upstream_dns", "x_FILE", "\udcff"]).map(
        lambda name: f"MAAS_SETTING_{name}"
    ),
    VALUES | st.just(FILE),
    max_size=5,
)
CONTENT = st.builds(
    lambda parts, end: MARK.encode() + b"".join(parts) + end,
    st.lists(pick(TOKENS) | st.binary(max_size=8), max_size=3),
    st.sampled_from((b"", b"\n", b"\r\n\r\n")),
)
ENVIRONMENTS = st.tuples(
    st.builds(
        lambda base, known, secrets, others: (
            base | others | known | {n: v if v == FILE else MARK + v for n, v in secrets.items()}
        ),
        st.sampled_from([{}, GOOD, GOOD, GOOD]),
        st.dictionaries(
            st.sampled_from([n for n in NAMES if n not in SECRETS]), VALUES, max_size=4
        ),
        st.dictionaries(st.sampled_from(SECRETS), VALUES, max_size=1),
        OTHERS,
    ),
    CONTENT,
)


def test_settings(fuzzer: Fuzzer, tmp_path: Path) -> None:
    """They are used, or refused with words."""
    file = tmp_path / "secret"

    def case(value: tuple[dict[str, str], bytes]) -> None:
        environment, content = value
        file.write_bytes(content)
        environment = {n: str(file) if v == FILE else v for n, v in environment.items()}
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with mock.patch("os.environ", environment), contextlib.redirect_stdout(out):
            log.set_up()
            for warning in settings.warnings(environment):
                logging.getLogger("init").warning(warning)
            try:
                loaded = run.load_settings()
            except ConfigurationUnusable as error:
                run.say(error)
                said = ""
            else:
                said = repr(loaded)
                assert loaded.maas_url.isprintable()
                assert all(s.text == s.text.strip() for s in loaded.region_settings.values())
        out.flush()
        said += out.buffer.getvalue().decode()  # type: ignore[attr-defined]
        assert MARK not in said
        assert "Traceback" not in said

    kept = (
        ({"MAAS_URL": f"http://me:{MARK}@host/MAAS"}, b""),
        ({"MAAS_URL": "http://h/MAAS", "POSTGRES_PASSWORD_FILE": "/\udcff"}, b""),
    )

    def other(
        value: tuple[dict[str, str], bytes], chance: random.Random
    ) -> tuple[dict[str, str], bytes]:
        environment, content = value
        # what is marked in an address is a password only as long as it stands where one does
        names = [name for name, text in environment.items() if MARK not in text]
        name = chance.choice(sorted(names) or SECRETS)
        given = environment.get(name, "").encode("utf-8", "surrogateescape")
        text = vary(given, chance).replace(b"\0", b"").decode("utf-8", "surrogateescape")
        mark = MARK if name in SECRETS else ""
        return environment | {name: mark + text}, MARK.encode() + vary(content, chance)

    fuzzer.run(case, ENVIRONMENTS, kept, other)


def test_database_password(fuzzer: Fuzzer) -> None:
    """It is carried as it is, or refused."""

    def case(password: str) -> None:
        environment = {"MAAS_URL": "http://h/MAAS", "POSTGRES_PASSWORD": password}
        try:
            loaded = settings.load(environment)
        except settings.SettingsError as error:
            (problem,) = error.problems
            assert problem.startswith("POSTGRES_PASSWORD holds a character that MAAS cannot carry")
        else:
            assert loaded.postgres_password == password
            assert not set(password) & set('"\\@% \n')

    fuzzer.run(case, st.text(min_size=1, max_size=30))
