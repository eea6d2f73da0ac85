"""apiserver's connection to the database (maas-37-region-run.md 8)."""

from __future__ import annotations

import threading
from typing import Any

import psycopg2.extensions
from maasserver.config import RegionConfig


class Connection:
    """Whoever finds it broken gets the error, the next one a new connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.raw = self._connect()

    def row(self, query: str, *parameters: object) -> tuple[Any, ...] | None:
        with self._lock:
            if self.raw.closed:
                self.raw = self._connect()
            with self.raw.cursor() as cursor:
                cursor.execute(query, parameters)
                row: tuple[Any, ...] | None = cursor.fetchone()
                return row

    def _connect(self) -> psycopg2.extensions.connection:
        connection = RegionConfig.load().connect()
        connection.autocommit = True
        return connection
