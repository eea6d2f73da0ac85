"""`maas-init apply`: brings MAAS's own settings to what is declared, by its public API."""

import difflib
import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg

from maas_init import api_key, atomic_file, file_lock, maas_command
from maas_init.errors import ConfigurationUnusable
from maas_init.paths import Paths
from maas_init.region_api import (
    LONGEST_REASON,
    Refused,
    RegionAPI,
    Unreachable,
    without_passwords,
)
from settings import RegionSetting, Settings, check

log = logging.getLogger("init")
T = TypeVar("T")

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 15.0
SAID_EVERY_SECONDS = 60.0
# A 500 is the database's absence as a rule, and now and then a value that MAAS cannot take; an
# import of SSH keys gets no answer where MAAS reaches no other site.
MOST_ERRORS = 3
# MAAS keeps these with one space between the words (facts/maas-operate.md 1.3).
LISTS = frozenset(
    {
        "upstream_dns",
        "ntp_servers",
        "ntp_server",
        "dns_trusted_acl",
        "maas_auto_ipmi_workaround_flags",
    }
)
# MAAS writes these into named's files within a second, and does not tell named (1.4).
NAMED = frozenset(
    {
        "upstream_dns",
        "dnssec_validation",
        "dns_trusted_acl",
        "maas_internal_domain",
        "default_dns_ttl",
    }
)
WRITTEN_SECONDS = 3.0
_VALID = re.compile(r"valid settings are:(.*)", re.DOTALL)


def run(settings: Settings, paths: Paths, sleep: Callable[[float], None] = time.sleep) -> None:
    """Set what differs; log what became of each setting.

    Waits for MAAS's API as long as it takes. Raises ConfigurationUnusable when MAAS has refused
    something, after all the rest is done.
    """
    if not paths.run.is_dir():
        raise ConfigurationUnusable(
            "cannot apply settings in a container in which MAAS does not run: docker compose exec"
            " maas maas-init apply"
        )
    with file_lock.held(paths.run / "apply.lock", "another maas-init apply in this container"):
        report = _Report(paths)
        try:
            if settings.region_settings or settings.maas_admin_ssh_import:
                _Apply(settings, paths, report, sleep).run()
        except BaseException as error:
            report.end("failed", str(error) or type(error).__name__)
            raise
        refused = report.refused()
        report.end("refused" if refused else "done")
    if refused:
        count = len(report.results)
        raise ConfigurationUnusable(
            f"cannot apply {len(refused)} of {count} settings; the others are as declared. Change"
            " what is named, then: docker compose up -d, or where MAAS was not ready for it,"
            " docker compose exec maas maas-init apply",
            tuple(refused),
        )
    if not report.results:
        log.info("nothing is declared: no MAAS_SETTING_<name> has a value")


class _Report:
    """What became of each setting, for the health check."""

    def __init__(self, paths: Paths) -> None:
        self._path = paths.run / "apply.json"
        self.results: dict[str, dict[str, str]] = {}
        self._started = time.time()
        self._write({"state": "running"})

    def add(self, variable: str, result: str, detail: str) -> None:
        detail = without_passwords(detail)
        self.results[variable] = {"result": result, "detail": detail}
        level = logging.WARNING if result == "refused" else logging.INFO
        log.log(level, "%s: %s%s", variable, result, f" ({detail})" if detail else "")

    def refused(self) -> list[str]:
        return [
            f"{variable}: {entry['detail']}"
            for variable, entry in self.results.items()
            if entry["result"] == "refused"
        ]

    def end(self, state: str, error: str = "") -> None:
        self._write({"state": state, "finished": time.time()} | ({"error": error} if error else {}))

    def _write(self, document: dict[str, Any]) -> None:
        document |= {"started": self._started, "settings": self.results}
        atomic_file.write(self._path, json.dumps(document, indent=1) + "\n", 0o600)


class _Apply:
    def __init__(
        self, settings: Settings, paths: Paths, report: _Report, sleep: Callable[[float], None]
    ) -> None:
        self._settings = settings
        self._paths = paths
        self._report = report
        self._sleep = sleep

    def run(self) -> None:
        api = RegionAPI(self._paths.worker_socket, self._patiently(self._key))
        self._patiently(lambda: _answers(api))
        tell_named = False
        for name, setting in self._settings.region_settings.items():
            variable = f"MAAS_SETTING_{name}"
            try:
                result, detail = self._patiently(lambda: _bring(api, name, setting), api)  # noqa: B023
            except Refused as refusal:
                result, detail = "refused", _explain(setting.hidden_in(str(refusal)), name)
            self._report.add(variable, result, detail)
            tell_named |= name in NAMED and result == "set"
        if tell_named:
            self._tell_named()
        for source in self._settings.maas_admin_ssh_import or ():
            try:
                result = self._patiently(lambda: _import(api, source), api)  # noqa: B023
                detail = ""
            except Refused as refusal:
                result, detail = "refused", str(refusal)[:LONGEST_REASON]
            self._report.add(f"MAAS_ADMIN_SSH_IMPORT {source}", result, detail)

    def _key(self) -> Any:
        try:
            return api_key.find_or_make(self._settings)[1]
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
            raise Unreachable(" ".join(str(error).split())) from None

    def _patiently(self, ask: Callable[[], T], api: RegionAPI | None = None) -> T:
        """Ask until there is an answer, or MAAS refuses."""
        delay, said_at, errors = FIRST_DELAY_SECONDS, -SAID_EVERY_SECONDS, 0
        while True:
            try:
                return ask()
            except Unreachable as error:
                if api is not None and api.works():  # it is this request, then
                    errors += 1
                    if errors >= MOST_ERRORS:
                        raise Refused(f"no answer that can be used: {error}") from None
                if time.monotonic() - said_at >= SAID_EVERY_SECONDS:
                    log.info("waiting for MAAS's API: %s", error)
                    said_at = time.monotonic()
            self._sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY_SECONDS)

    def _tell_named(self) -> None:
        self._sleep(WRITTEN_SECONDS)
        command = ["rndc", "-c", str(self._paths.dns / "rndc.conf.maas"), "reconfig"]
        try:
            maas_command.run(command, timeout=10)
        except maas_command.CommandFailed as error:
            log.warning(
                "named goes on with its old settings (%s) until: supervisorctl restart bind9", error
            )


def _answers(api: RegionAPI) -> None:
    if not api.works():
        raise Unreachable("no answer yet")


def _bring(api: RegionAPI, name: str, setting: RegionSetting) -> tuple[str, str]:
    current = api.get_setting(name)
    wanted = text = setting.text
    if isinstance(current, bool):  # MAAS takes everything for true but true's opposite (1.2)
        try:
            wanted = "true" if check.boolean(text) else "false"
        except ValueError as error:
            raise Refused(f"it {error}") from None
    before, after = _comparable(name, current), _comparable(name, wanted)
    if before == after:  # MAAS refuses even the present value of some (1.3)
        shown = "" if setting.secret else json.dumps(current, ensure_ascii=False)
        return "unchanged", shown
    api.set_setting(name, wanted)
    if setting.secret:
        return "set", ""
    return "set", f"to {json.dumps(wanted, ensure_ascii=False)}, was {json.dumps(current)}"


def _import(api: RegionAPI, source: str) -> str:
    if source in api.ssh_key_sources():
        return "unchanged"
    api.import_ssh_keys(source)
    return "set"


def _comparable(name: str, value: Any) -> str:
    """Return a value as it is compared: MAAS gives numbers, words, and nothing as null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(map(str, value))
    text = str(value).strip()
    if name in LISTS:
        return " ".join(re.split(r"[,\s]+", text.strip(", ")))
    if name == "remote_syslog" and text and not re.search(r":\d+$", text):
        return f"{text}:514"
    return text


def _explain(reason: str, name: str) -> str:
    """Shorten MAAS's list of all settings to the one that is nearest to an unknown name."""
    listed = _VALID.search(reason)
    if not listed:
        return reason[:LONGEST_REASON]
    valid = re.findall(r"\w+", listed[1])
    near = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    hint = f"did you mean MAAS_SETTING_{near[0]}?" if near else f"it knows {', '.join(valid)}"
    return f"MAAS has no setting of that name: {hint}"
