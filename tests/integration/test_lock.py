import logging
import threading

import pytest

from maas_init.report import Report, Step
from maas_init.steps import database as database_step
from maas_init.steps import lock
from settings import Settings


@pytest.fixture
def step() -> Step:
    return Step(Report(None), {"name": "lock"})


def test_one_at_a_time_and_who_holds_it_is_said(
    database: Settings,
    step: Step,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lock, "TRY_SECONDS", 1)
    first = database_step.connect(database)
    lock.acquire(first, "nas-1", step)
    killer = threading.Timer(1.5, first.close)  # a holder that dies frees it
    killer.start()
    with caplog.at_level(logging.INFO), database_step.connect(database) as second:
        lock.acquire(second, "nas-2", step)
        assert second.execute("SHOW lock_timeout").fetchone() == ("1min",)
    killer.join()
    lines = [r.message for r in caplog.records if "waiting for" in r.message]
    assert len(lines) == 2
    assert "maas-init on nas-1 at 127.0.0.1" in lines[0]
    assert "connected since 20" in lines[0]


def test_the_server_is_asked_to_give_up_who_has_vanished(database: Settings) -> None:
    with database_step.connect(database) as connection:
        assert connection.execute("SHOW tcp_keepalives_idle").fetchone() == ("15",)
        assert connection.execute("SHOW tcp_keepalives_interval").fetchone() == ("5",)
        assert connection.execute("SHOW tcp_keepalives_count").fetchone() == ("3",)
