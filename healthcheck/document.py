"""Writes `docs/metrics.md`, and the table of checks in `docs/health.md`, from the declarations.

`python -m healthcheck.document` in the repository writes them; a test compares them.
"""

from pathlib import Path

from healthcheck.check import Check
from healthcheck.checks import all_checks
from healthcheck.metrics import LABELS, SECTIONS, Metric

# Between these, docs/health.md has the table of checks.
TABLE_BEGIN = "<!-- made by python -m healthcheck.document -->"
TABLE_END = "<!-- end -->"
_HEAD = """\
# Metrics

Generated from `healthcheck/metrics.py` by `python -m healthcheck.document`.

The monitor serves them on port 9568, path `/metrics`, without login. It renders them every 5 s,
whether somebody asks or not: a scrape costs next to nothing. What has no value is absent, such as
the database's figures while it does not answer. Numbers about programs begin anew with PID 1.
[alerts.md](alerts.md) has the alert rules that are made of them; [health.md](health.md) says what
each check looks at.
"""


def metrics_page() -> str:
    """Return the text of `docs/metrics.md`."""
    parts = [_HEAD]
    for title, metrics in SECTIONS.items():
        parts.append(f"\n## {title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n")
        parts += [f"| `{m.name}` | {m.kind} | {_labels(m)} | {m.help} |\n" for m in metrics]
    parts.append("\n## Labels\n\n| label | values |\n|---|---|\n")
    parts += [f"| `{label}` | {values} |\n" for label, values in LABELS.items()]
    return "".join(parts)


def health_page(text: str) -> str:
    """Return the text of `docs/health.md` with the table of checks in it made anew."""
    head, _, rest = text.partition(TABLE_BEGIN)
    _, _, tail = rest.partition(TABLE_END)
    lines = [
        TABLE_BEGIN,
        "| check | when it fails | every | timeout | it proves that | a failure means that |",
        "|---|---|---|---|---|---|",
        *(_row(check) for check in all_checks()),
        TABLE_END,
    ]
    return head + "\n".join(lines) + tail


def _labels(metric: Metric) -> str:
    labels = [f"`{label}`" for label in metric.labels]
    if metric.states:
        labels[-1] += f" ({', '.join(metric.states)})"
    return ", ".join(labels)


def _row(check: Check) -> str:
    period, timeout = f"{check.period:.0f} s", f"{check.timeout:.0f} s"
    return (
        f"| `{check.name}` | {check.weight.value} | {period} | {timeout} | {check.proves} |"
        f" {check.means} |"
    )


def main() -> None:
    """Write the files in the current directory."""
    Path("docs/metrics.md").write_text(metrics_page(), encoding="utf-8")
    health = Path("docs/health.md")
    health.write_text(health_page(health.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
