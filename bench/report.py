"""Tables of what was measured, with the goals beside it. A goal is printed, never enforced."""

import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Callable
from statistics import median, quantiles

from bench.measure import FLOOD_RATE, SIZES, Flood, Samples
from bench.monitor import SCRAPES, Measured
from bench.soak import GROUPS, Soak
from bench.supervisors import KINDS

# What is measured: its label, and the goal of ours by what stock takes.
_METRICS: dict[str, tuple[str, str, Callable[[float], float] | None]] = {
    "start": ("exec to first exec, ms", "0.15 x stock", lambda stock: 0.15 * stock),
    "restart": ("kill -9 to new exec, ms", "10", lambda _: 10),
    "first_term": ("SIGTERM to first SIGTERM, ms", "", None),
    "shutdown": ("SIGTERM to end, ms", "0.02 x stock, 60", lambda stock: min(0.02 * stock, 60)),
    "pss": ("idle PSS, MB", "stock + 4", lambda stock: stock + 4),
    "idle_cpu": ("idle CPU, ms per minute", "2 x stock", lambda stock: 2 * stock),
}
_LINEAR = 1.25  # times the programs; above 1 for noise
_FLOOD_RESTART_MS = 20
_WARM_INIT_SECONDS = 0.6
_PROBE = 0.2
_SCRAPE_MS = 25
_MONITOR_CPU = 1.0
_MONITOR_PSS = 45
_FLAT_MB = 0.5
_SOAK_GROWTH = 1.05


def machine() -> str:
    """Return what is compared, where and when."""
    dpkg = ["dpkg-query", "--show", "--showformat=${Version}", "s6"]
    s6 = subprocess.run(dpkg, capture_output=True, text=True, check=False).stdout
    stock = importlib.metadata.version("supervisor")
    return (
        f"{time.strftime('%Y-%m-%d %H:%M %Z')}, {os.cpu_count()} cores, load"
        f" {os.getloadavg()[0]:.1f}, Linux {platform.release()}, Python"
        f" {platform.python_version()}, supervisor {stock}, s6 {s6}"
    )


def comparison(samples: Samples) -> str:
    """Return a table of medians, and of the ranges that they come from."""
    lines = [f"{'10 programs':30}" + "".join(f"{kind:>13}" for kind in KINDS) + "   goal of ours"]
    for key, (label, text, limit) in _METRICS.items():
        if not (by_kind := samples.get(key)):
            continue
        medians = {kind: median(values) for kind, values in by_kind.items()}
        line = f"{label:30}" + "".join(f"{_short(medians[kind]):>13}" for kind in KINDS)
        if limit:
            bound = limit(medians["stock"])
            line += f"   <= {_short(bound)} ({text}): {met(medians['ours'] <= bound)}"
        ranges = (f"{_short(min(by_kind[k]))}..{_short(max(by_kind[k]))}" for k in KINDS)
        count = f"  range of {len(by_kind['ours'])}"
        lines += [line, f"{count:30}" + "".join(f"{text:>13}" for text in ranges)]
    lines += [
        "kill -9: once per program and life, after more than 2 s. Ours restarts at once after a",
        "first failure and delays repeated ones; s6 waits 1 s where no readiness is declared.",
    ]
    return "\n".join(lines)


def scaling(times: dict[str, dict[int, list[float]]]) -> str:
    """Return a table of medians by number of programs."""
    lines = ["programs, ours    exec to last exec, ms    each    status answer, ms    each"]
    medians = {key: {size: median(by[size]) for size in SIZES} for key, by in times.items()}
    for size in SIZES:
        start, status = medians["start"][size], medians["status"][size]
        lines.append(f"{size:14}{start:25.1f}{start / size:8.2f}{status:21.2f}{status / size:8.3f}")
    for key, by_size in medians.items():
        ratio, bound = by_size[200] / by_size[50], 200 / 50 * _LINEAR
        lines.append(f"{key}(200) / {key}(50) = {ratio:.2f} <= {bound}: {met(ratio <= bound)}")
    return "\n".join(lines)


def flood(flood: Flood) -> str:
    """Return what became of the lines and of the programs killed meanwhile."""
    slowest = max(flood.restarts)
    return (
        f"log flood, ours: {flood.rate:.0f} lines/s ({FLOOD_RATE} wanted)\n"
        f"kill -9 to new exec: median {median(flood.restarts):.1f} ms, max of"
        f" {len(flood.restarts)} {slowest:.1f} ms <= {_FLOOD_RESTART_MS}:"
        f" {met(slowest <= _FLOOD_RESTART_MS)}\n"
        f"lines: {flood.written} written, {flood.received} came whole, {flood.announced_lost}"
        f" announced as lost\n"
        f"none else missing: {met(not flood.missing)} ({flood.missing}), none out of order:"
        f" {met(not flood.out_of_order)} ({flood.out_of_order})"
    )


def warm_init(bare: list[float], warm: list[float]) -> str:
    """Return how much longer a run on a current database takes than a bare interpreter."""
    beyond = median(warm) - median(bare)
    return (
        f"maas-init run on a current database: median of {len(warm)} {median(warm):.3f} s\n"
        f"bare interpreter, import psycopg, connect: {median(bare):.3f} s\n"
        f"beyond it: {beyond:.3f} s <= {_WARM_INIT_SECONDS}: {met(beyond <= _WARM_INIT_SECONDS)}"
    )


def monitor(measured: Measured) -> str:
    """Return the probe beside a classical check, and what the monitor costs."""
    lines = [
        f"{'health check, median of ' + str(len(measured.probe)):34}{'wall, ms':>10}{'CPU, ms':>10}"
    ]
    medians = {}
    for name, pairs in (("classical", measured.classical), ("probe", measured.probe)):
        medians[name] = [median(column) for column in zip(*pairs, strict=True)]
        lines.append(f"{name:34}{medians[name][0]:10.1f}{medians[name][1]:10.1f}")
    for index, what in enumerate(("wall", "CPU")):
        ratio = medians["probe"][index] / medians["classical"][index]
        lines.append(f"probe / classical, {what}: {ratio:.2f} <= {_PROBE}: {met(ratio <= _PROBE)}")
    for programs, times in measured.scrapes.items():
        p99 = quantiles(times, n=100)[98]
        lines.append(
            f"scrape with {programs} programs ({measured.scrape_bytes[programs] / 1e3:.0f} kB), ms:"
            f" median {median(times):.1f}, p99 {p99:.1f} <= {_SCRAPE_MS}: {met(p99 <= _SCRAPE_MS)}"
        )
    cpu, pss = measured.cpu_percent, measured.pss
    half = pss[len(pss) // 2 - 1 :]
    growth = half[-1] - half[0]
    lines += [
        f"the monitor's CPU: {cpu:.2f} % of a core <= {_MONITOR_CPU}: {met(cpu <= _MONITOR_CPU)}",
        f"its PSS after {SCRAPES} scrapes: {pss[-1]:.1f} MB <= {_MONITOR_PSS}:"
        f" {met(max(pss) <= _MONITOR_PSS)}; over the second half {growth:+.2f} MB, flat:"
        f" {met(growth <= _FLAT_MB)}",
    ]
    return "\n".join(lines)


def soak(soak: Soak) -> str:
    """Return what was used at minute 5 and at the end, and how long clients waited."""
    early, late = soak.rested[min(5, len(soak.rested))], soak.rested[max(soak.rested)]
    heading = f"seed {soak.seed}, {len(soak.rested)} minutes"
    lines = [f"{heading:30}{'minute 5':>12}{'end':>12}{'end / minute 5':>18}"]
    for name in GROUPS:
        for what, before, after in (
            ("memory, MB", early[name].memory_mb, late[name].memory_mb),
            ("descriptors", early[name].descriptors, late[name].descriptors),
        ):
            ratio = after / before
            lines.append(
                f"{name + ', ' + what:30}{before:12.1f}{after:12.1f}{ratio:10.3f}"
                f" <= {_SOAK_GROWTH}: {met(ratio <= _SOAK_GROWTH)}"
            )
    assert soak.start
    assert soak.end
    lines.append(f"{'':30}{'start':>12}{'end':>12}")
    for name in GROUPS[:-1]:
        first, last = _cpu_percent(soak, name)
        lines.append(f"{name + ', CPU, % of a core':30}{first:12.2f}{last:12.2f}")
    for what in ("probe", "scrape"):
        p99s = [quantiles(getattr(each, what), n=100)[98] for each in (soak.start, soak.end)]
        lines.append(f"{what + ', p99, ms':30}{p99s[0]:12.1f}{p99s[1]:12.1f}")
    return "\n".join(lines)


def _cpu_percent(soak: Soak, name: str) -> tuple[float, float]:
    """Return the CPU time of a group in the first and in the last 5 minutes."""
    minutes = sorted(soak.rested)

    def between(begin: int, end: int) -> float:
        used = soak.rested[end][name].cpu_seconds - soak.rested[begin][name].cpu_seconds
        return used / ((end - begin) * 60) * 100

    return between(minutes[0], minutes[:6][-1]), between(minutes[-6:][0], minutes[-1])


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 200 else f"{value:.1f}"


def met(goal: bool) -> str:
    """Say whether a goal is met."""
    return "yes" if goal else "no"
