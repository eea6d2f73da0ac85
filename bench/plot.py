"""The soak as a picture."""

from itertools import pairwise
from pathlib import Path

from matplotlib import pyplot, rcParams

from bench.soak import GROUPS, MINUTE, Soak


def soak(soak: Soak, file: Path) -> None:
    """Write an SVG: memory, descriptors and CPU by time, with the faults as vertical lines."""
    # text stays text; no ids that are new each time, and no date
    rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "soak", "font.size": 9})
    figure, (memory, descriptors, cpu) = pyplot.subplots(3, sharex=True, figsize=(9, 8))
    minutes = [minute for minute, _ in soak.samples]
    for name in GROUPS:
        samples = [sample[name] for _, sample in soak.samples]
        memory.plot(minutes, [sample.memory_mb for sample in samples], label=name)
        descriptors.plot(minutes, [sample.descriptors for sample in samples], label=name)
        if name != GROUPS[-1]:
            cpu.plot(
                minutes[1:], _percent(minutes, [each.cpu_seconds for each in samples]), label=name
            )
    for axes, what in (
        (memory, "memory, MB"),
        (descriptors, "descriptors"),
        (cpu, "CPU, % of a core"),
    ):
        axes.set_ylabel(what)
        axes.grid(alpha=0.3)
        for minute, _ in soak.faults:
            axes.axvline(minute, color="grey", linewidth=0.4)
    for axes in (memory, descriptors):
        axes.set_yscale("log")
    memory.legend(ncols=len(GROUPS), loc="lower center", bbox_to_anchor=(0.5, 1))
    cpu.set_xlabel("minutes; each vertical line is a fault")
    figure.savefig(file, metadata={"Date": None}, bbox_inches="tight")


def _percent(minutes: list[float], seconds: list[float]) -> list[float]:
    """Return the CPU time between samples; a process that is new begins at 0."""
    return [
        max(0, after - before) / ((then - now) * MINUTE) * 100
        for (now, before), (then, after) in pairwise(zip(minutes, seconds, strict=True))
    ]
