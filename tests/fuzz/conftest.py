"""How long each fuzzer runs: FUZZ_CASES or FUZZ_SECONDS, what is over first, from FUZZ_SEED."""

import os
import secrets

import hypothesis
import pytest
from fuzzing import Fuzzer, Limits

# In `make test`; always the same ones.
CASES = 100
SECONDS = 10.0
SEED = "0"

LIMITS = Limits(
    int(os.environ.get("FUZZ_CASES") or CASES),
    not os.environ.get("FUZZ_CASES"),
    float(os.environ.get("FUZZ_SECONDS") or SECONDS),
    os.environ.get("FUZZ_SEED", SEED) or str(secrets.randbelow(2**32)),
)

hypothesis.settings.register_profile(
    "fuzz",
    database=None,
    deadline=None,  # fuzzing.py watches, and sees what does not end at all
    suppress_health_check=list(hypothesis.HealthCheck),
)
told: list[str] = []


@pytest.fixture
def fuzzer(request: pytest.FixtureRequest) -> Fuzzer:
    name = str(request.node.name).removeprefix("test_")
    return Fuzzer(name, LIMITS, told.append)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if told:
        terminalreporter.section("fuzzers")
    for line in told:
        terminalreporter.write_line(line)
