"""Prometheus metrics, shared by the processes through `prometheus_multiproc_dir` (5).

Every API request writes one of that directory's files: where the directory is missing, every
API request fails (maas-region-run.md 2).
"""

from __future__ import annotations

import os
import warnings

_directory = os.environ.get("prometheus_multiproc_dir")  # noqa: SIM112  MAAS's name for it
if _directory:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = _directory  # newer clients' name

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about the old name
    from prometheus_client import (
        CONTENT_TYPE_LATEST,
        REGISTRY,
        CollectorRegistry,
        Histogram,
        generate_latest,
        multiprocess,
    )

CONTENT_TYPE = CONTENT_TYPE_LATEST

_latency = Histogram(
    "maas_http_request_latency", "HTTP request latency", ["method", "path", "status"]
)


def observe(method: str, path: str, status: int, seconds: float) -> None:
    _latency.labels(method, path, str(status)).observe(seconds)


def render() -> bytes:
    if not _directory:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)
