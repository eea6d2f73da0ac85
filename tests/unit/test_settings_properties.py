"""Whatever the environment holds: no traceback, and no secret in what is said."""

import contextlib
import io
import logging
from unittest import mock

from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import settings
from maas_init import log, run
from maas_init.errors import ConfigurationUnusable
from settings.declaration import declarations

NAMES = [d.name for d in declarations()]
SECRETS = sorted(settings.secret_names())
MARK = "s3cr3t-"  # no output has this by itself

# What an environment can hold: any byte but NUL, as Python shows it.
TEXT = st.binary(max_size=40).map(
    lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape")
)
LIKELY = st.sampled_from(
    [
        *("", " ", "0", "-1", "99999999999999999999", "yes", "text", "admin", "a@b", "::", "\n"),
        *("[::1]:9568", "http://h/MAAS", "https://[::1/MAAS", "http://h:x/MAAS", "\udcff"),
        *("/dev/null", "/dev/zero", "/", "/proc/self/mem", "x" * 5000, "%(x)s", "{x}", "$x", "ü€"),
    ]
)
VALUES = TEXT | LIKELY
OTHERS = st.dictionaries(
    st.sampled_from([f"{name}_FILE" for name in NAMES] + [name[:-1] for name in NAMES])
    | TEXT.map(lambda text: f"MAAS_{text}".replace("=", "")),
    VALUES,
    max_size=5,
)
ENVIRONMENTS = st.builds(
    lambda known, secrets, others: others | known | {n: MARK + v for n, v in secrets.items()},
    st.dictionaries(st.sampled_from([n for n in NAMES if n not in SECRETS]), VALUES),
    st.dictionaries(st.sampled_from(SECRETS), VALUES),
    OTHERS,
)


@hypothesis_settings(deadline=None, max_examples=500)
@given(ENVIRONMENTS)
@example({"MAAS_URL": f"http://me:{MARK}@host/MAAS"})
@example({"MAAS_URL": "http://h/MAAS", "POSTGRES_PASSWORD_FILE": "/\udcff"})
def test_settings_are_used_or_refused_with_words(environment: dict[str, str]) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with mock.patch("os.environ", environment), contextlib.redirect_stdout(out):
        log.set_up()
        for warning in settings.warnings(environment):
            logging.getLogger("init").warning(warning)
        try:
            said = repr(run.load_settings())
        except ConfigurationUnusable as error:
            run.say(error)
            said = ""
    out.flush()
    said += out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert MARK not in said
    assert "Traceback" not in said


@hypothesis_settings(deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_a_password_is_carried_as_it_is_or_refused(password: str) -> None:
    environment = {"MAAS_URL": "http://h/MAAS", "POSTGRES_PASSWORD": password}
    try:
        loaded = settings.load(environment)
    except settings.SettingsError as error:
        (problem,) = error.problems
        assert problem.startswith("POSTGRES_PASSWORD holds a character that MAAS cannot carry")
    else:
        assert loaded.postgres_password == password
        assert not set(password) & set('"\\@% \n')
