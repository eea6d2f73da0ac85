"""Somebody who makes users in MAAS all the time, and knows which of them MAAS has accepted."""

import contextlib
import secrets
import threading
from http.client import HTTPException

from engine import Container, api_key, post

PAUSE_SECONDS = 2.0


class Users:
    """Makes users from `start` to `stop`, whatever happens to MAAS meanwhile."""

    def __init__(self, maas: Container) -> None:
        self.accepted: set[str] = set()
        self._maas = maas
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_making)

    def start(self) -> None:
        """Begin. MAAS must be healthy."""
        self._key = api_key(self._maas)
        self._thread.start()

    def stop(self) -> None:
        """End, if it has begun."""
        self._ended.set()
        if self._thread.ident:
            self._thread.join()

    def _keep_making(self) -> None:
        while not self._ended.wait(PAUSE_SECONDS):
            name = f"chaos-{secrets.token_hex(4)}"
            form = {
                "username": name,
                "email": f"{name}@localhost",
                "password": secrets.token_hex(16),
                "is_superuser": "0",
            }
            # AssertionError: docker has no port to tell, for the container does not run
            with contextlib.suppress(OSError, HTTPException, AssertionError):
                post(self._maas, self._key, "users/", **form)
                self.accepted.add(name)
