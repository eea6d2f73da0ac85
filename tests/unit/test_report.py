import json
import logging
import time
from pathlib import Path

import pytest

from healthcheck import init_report
from maas_init.errors import MigrationFailed
from maas_init.report import Report


def read(path: Path) -> dict[str, object]:
    document = json.loads(path.read_text())
    assert isinstance(document, dict)
    return document


def test_a_run_is_written_as_it_goes_and_understood_by_the_monitor(tmp_path: Path) -> None:
    path = tmp_path / "init.json"
    report = Report(path)
    report.version("maas", "3.5.13")
    assert init_report.read(path).doing == "beginning"
    with report.step("migrate") as step:
        step.progress("migration 120 of 381")
        under_way = init_report.read(path)
        assert under_way.doing == "migrate: migration 120 of 381"
        assert under_way.public == "migrate: 120 of 381"
        assert (under_way.migration, under_way.ratio) == ("migrating", 120 / 381)
        step.result("381 migrations applied")
    report.done()
    document = read(path)
    assert document["state"] == "done"
    assert document["exit_status"] == 0
    assert document["versions"] == {"maas": "3.5.13"}
    (entry,) = document["steps"]  # type: ignore[misc]
    assert entry["result"] == "381 migrations applied"
    assert entry["state"] == "done"
    assert entry["seconds"] >= 0
    done = init_report.read(path)
    assert (done.state, done.maas_version, done.source) == ("done", "3.5.13", "package")
    assert [(step.name, step.state) for step in done.steps] == [("migrate", "done")]
    assert (done.migration, done.ratio) == ("current", 1)
    assert time.time() - done.finished < 60


def test_a_failure_is_written_with_its_exit_status(tmp_path: Path) -> None:
    path = tmp_path / "init.json"
    report = Report(path)
    error = MigrationFailed("cannot migrate")

    def fail() -> None:
        with report.step("migrate"):
            raise error

    with pytest.raises(MigrationFailed):
        fail()
    report.failed(error)
    assert read(path)["exit_status"] == 70
    assert init_report.read(path).doing == "cannot migrate"
    assert init_report.read(path).state == "failed"


def test_a_silent_step_says_that_it_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maas_init.report.PROGRESS_SECONDS", 0.2)
    monkeypatch.setattr("maas_init.report.TICK_SECONDS", 0.05)
    with caplog.at_level(logging.INFO), Report(None).step("migrate") as step:
        step.progress("migration 7 of 381")
        time.sleep(0.7)
    said = [r.message for r in caplog.records if "since it began" in r.message]
    assert len(said) >= 2
    assert said[0] == "migrate: migration 7 of 381 (0 s since it began)"


def test_where_it_cannot_be_written_init_goes_on(tmp_path: Path) -> None:
    report = Report(tmp_path / "missing/init.json")
    with report.step("settings"):
        pass
    report.done()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": 1}', "null"])
def test_a_report_that_cannot_be_read_counts_as_running(tmp_path: Path, text: str) -> None:
    path = tmp_path / "init.json"
    path.write_text(text)
    assert init_report.read(path).state == "running"
