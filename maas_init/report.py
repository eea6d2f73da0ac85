"""What init is doing and has done: logged for people, and in /run/maas/init.json for programs."""

import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maas_init import atomic_file
from maas_init.errors import InitError

log = logging.getLogger("init")

# A step that takes long says something at least every 5 seconds.
PROGRESS_SECONDS = 4.0
TICK_SECONDS = 0.5
BAR_SECONDS = 0.1
BAR_WIDTH = 30


class Step:
    """One step under way."""

    def __init__(self, report: "Report", entry: dict[str, Any]) -> None:
        self._report = report
        self._entry = entry
        self._begun = self._said_at = time.monotonic()
        self._drawn = False

    def progress(self, text: str, fraction: float | None = None) -> None:
        """Note how far the step is; log it when nothing has been logged for a while.

        Where a fraction of the whole is known, a terminal shows it as a bar.
        """
        if fraction is not None and sys.stdout.isatty():
            self._draw(text, fraction)
            return
        self._entry["progress"] = text
        self._report.write()
        if self._quiet():
            self.say(text)

    def say(self, text: str) -> None:
        """Log a line now."""
        self._said_at = time.monotonic()
        self._erase()
        log.info("%s: %s", self._entry["name"], text)

    def result(self, text: str) -> None:
        """Set what is said of the step when it is done."""
        self._entry["result"] = text

    def say_that_it_goes_on(self, ended: threading.Event) -> None:
        """Log how far the step is whenever nothing has been logged for a while, until it ends."""
        while not ended.wait(TICK_SECONDS):
            if self._quiet():
                doing = self._entry.get("progress", "at work")
                self.say(f"{doing} ({time.monotonic() - self._begun:.0f} s since it began)")

    def end(self) -> None:
        """Remove what stands on the terminal for the time of the step only."""
        self._erase()

    def _draw(self, text: str, fraction: float) -> None:
        now = time.monotonic()
        if self._drawn and now - self._said_at < BAR_SECONDS:
            return
        self._said_at, self._drawn = now, True
        bar = "#" * round(fraction * BAR_WIDTH)
        line = f"{self._entry['name']} [{bar:<{BAR_WIDTH}}] {fraction:4.0%} {text}"
        sys.stdout.write(f"\r\033[K{line}")
        sys.stdout.flush()

    def _erase(self) -> None:
        if self._drawn:
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()
        self._drawn = False

    def _quiet(self) -> bool:
        return time.monotonic() - self._said_at >= PROGRESS_SECONDS


class Report:
    """The report of one run. Times are Unix times, durations seconds."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._document: dict[str, Any] = {
            "state": "running",
            "started": time.time(),
            "steps": [],
            "versions": {},
        }
        self.write()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step, and note how it ended."""
        entry: dict[str, Any] = {"name": name, "state": "running"}
        self._document["steps"].append(entry)
        self.write()
        begun = time.monotonic()
        step = Step(self, entry)
        ended = threading.Event()
        teller = threading.Thread(target=step.say_that_it_goes_on, args=(ended,), daemon=True)
        teller.start()
        try:
            yield step
        except BaseException:
            entry["state"] = "failed"
            raise
        else:
            entry["state"] = "done"
        finally:
            ended.set()
            teller.join()
            step.end()
            entry["seconds"] = round(time.monotonic() - begun, 3)
            entry.pop("progress", None)
            self.write()
        log.info("%s: %s (%.1f s)", name, entry.get("result", "done"), entry["seconds"])

    def version(self, name: str, version: str) -> None:
        """Note the version of a part that was met."""
        self._document["versions"][name] = version

    def done(self) -> None:
        """Note that every step is done."""
        self._document |= {"state": "done", "finished": time.time(), "exit_status": 0}
        self.write()

    def failed(self, error: InitError) -> None:
        """Note why init ended."""
        self._document |= {
            "state": "failed",
            "finished": time.time(),
            "exit_status": error.exit_status,
            "error": str(error),
        }
        self.write()

    def write(self) -> None:
        """Write the report; where it cannot be written, init's log has to do."""
        if self._path is None:
            return
        try:
            atomic_file.write(self._path, json.dumps(self._document, indent=1) + "\n")
        except OSError as error:
            log.warning("cannot write %s: %s", self._path, error.strerror)
            self._path = None
