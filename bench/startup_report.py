"""Tables of how a container starts, with the goals beside them."""

from collections.abc import Iterable, Mapping
from statistics import median

from bench.lives import Life
from bench.report import met
from bench.startup import Started

_OUR_PART_SECONDS = 1.0
_HEALTHY_SECONDS = 3.0
_MOMENTS = {
    "started_at": "running, says the engine",
    "pid1": "PID 1's exec",
    "health_serve": "the monitor's exec",
    "init": "init's exec",
    "init_ended": "init's end",
    "regiond": "regiond's exec",
    "listens": "regiond's worker listens",
    "api": "the API's first 200",
    "ready": "healthy, says the monitor",
    "healthy": "healthy, says Docker",
}


def tables(started: Started) -> str:
    """Return when each kind of start came how far, where the time went, and the goals."""
    ours = {"ours": started.warm, "ours, as MAAS": started.real, "ours, cold": started.cold}
    kinds = {
        "regiond alone": started.alone,
        "by hand": started.by_hand,
        **ours,
        "alone, cold": started.cold_alone,
    }
    parts = (
        _moments(kinds),
        _spans(ours),
        _goals(started.alone, started.by_hand, ours),
        _together(started),
        _programs({"shipped": started.warm} | started.programs),
    )
    return "\n\n".join("\n".join(part) for part in parts)


def _moments(kinds: dict[str, list[Life]]) -> Iterable[str]:
    yield "ms since docker start, median and range of so many lives"
    yield " " * 26 + "".join(f"{f'{kind} ({len(lives)})':>19}" for kind, lives in kinds.items())
    for moment, label in _MOMENTS.items():
        cells = [_times(lives, moment) for lives in kinds.values()]
        yield f"{label:26}" + "".join(f"{_median(cell):>19}" for cell in cells)
        yield " " * 26 + "".join(f"{_range(cell):>19}" for cell in cells)
    yield "regiond alone: two mkdir and its exec, on the volume of an earlier life; cold: MAAS's"
    yield "dbupgrade and createadmin before. by hand: maas-init run, then regiond, and nginx once a"
    yield "worker listens. The stand-in has a tenth of MAAS's delays, and all of them `as MAAS`."


def _spans(ours: dict[str, list[Life]]) -> Iterable[str]:
    yield f"{'where the time goes, ms':36}" + "".join(f"{kind:>16}" for kind in ours)
    spans = {kind: [life.spans() for life in lives] for kind, lives in ours.items()}
    for label in spans["ours, cold"][0]:  # has all of init's steps
        cells = ([span[label] for span in spans[kind] if label in span] for kind in ours)
        yield f"{label:36}" + "".join(f"{_median(cell):>16}" for cell in cells)


def _goals(alone: list[Life], by_hand: list[Life], ours: dict[str, list[Life]]) -> Iterable[str]:
    bound, hand, warm = (
        median(_times(lives, "regiond")) / 1e3 for lives in (alone, by_hand, ours["ours"])
    )
    yield (
        f"warm to regiond's exec, median: {warm:.2f} s, beyond regiond alone {warm - bound:.2f} s"
        f" <= {_OUR_PART_SECONDS}: {met(warm - bound <= _OUR_PART_SECONDS)};"
        f" beyond by hand {warm - hand:.2f} s"
    )
    for who, moment in (("the monitor", "ready"), ("Docker", "healthy")):
        for kind, lives in ours.items():
            after = [(life.moments[moment] - life.moments["api"]) / 1e3 for life in lives]
            yield (
                f"the API's first 200 to healthy, {kind}, says {who}: median {median(after):.2f} s,"
                f" max {max(after):.2f} s <= {_HEALTHY_SECONDS}:"
                f" {met(max(after) <= _HEALTHY_SECONDS)}"
            )


def _together(started: Started) -> Iterable[str]:
    yield "started together on one database, medians in s, the first container to the last"
    yield f"{'':10}{'waited for the lock':>28}{'regiond exec':>28}{'first 200 of the API':>28}"
    yield _row("1 cold", [[life] for life in started.cold])
    yield _row("1 warm", [[life] for life in started.warm])
    for count, lives in started.cold_together.items():
        yield _row(f"{count} cold", [lives])
        yield _row(f"{count} warm", started.warm_together[count])
    for count, lives in started.cold_together.items():
        migrated = sum("migrate" in life.steps for life in lives)
        yield f"of {count} cold ones {migrated} migrated"


def _row(label: str, lives: list[list[Life]]) -> str:
    columns = (
        [sorted(life.steps["lock"] for life in together) for together in lives],
        [sorted(_times(together, "regiond")) for together in lives],
        [sorted(_times(together, "api")) for together in lives],
    )
    cells = (
        " ".join(f"{median(place) / 1e3:.2f}" for place in zip(*column, strict=True))
        for column in columns
    )
    return f"{label:10}" + "".join(f"{cell:>28}" for cell in cells)


def _programs(programs: Mapping[str | int, list[Life]]) -> Iterable[str]:
    yield f"{'programs':10}{'ms, PID 1 to init':>28}{'init to regiond':>28}{'start to regiond':>28}"
    for count, lives in programs.items():
        at = [life.moments for life in lives]
        spans = (
            [moments["init"] - moments["pid1"] for moments in at],
            [moments["regiond"] - moments["init_ended"] for moments in at],
            [moments["regiond"] for moments in at],
        )
        cells = (f"{_median(span)} ({_range(span)})" for span in spans)
        yield f"{count:<10}" + "".join(f"{cell:>28}" for cell in cells)


def _times(lives: Iterable[Life], moment: str) -> list[float]:
    return [life.moments[moment] for life in lives if moment in life.moments]


def _median(values: list[float]) -> str:
    return f"{median(values):.0f}" if values else "-"


def _range(values: list[float]) -> str:
    return f"{min(values):.0f}..{max(values):.0f}" if values else ""
