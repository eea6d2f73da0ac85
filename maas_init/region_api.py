"""MAAS's public API, over a worker's own socket (facts/maas-operate.md 1).

There neither nginx nor MAAS's TLS is in the way, which redirects what comes to port 5240.
"""

import json
import re
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

TIMEOUT_SECONDS = 30.0  # an import of SSH keys asks another site
LONGEST_REASON = 300
# Too many at once: MAAS gives up a transaction that others have disturbed again and again.
PASSING = (httpx.codes.CONFLICT, httpx.codes.TOO_MANY_REQUESTS)
ROOT = "/MAAS/api/2.0"
# httpx looks at where a redirect leads even when it does not follow it.
_NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL)
_NO_JSON = (ValueError, RecursionError)
_USER_INFO = re.compile(r"//[^/\s]*@")


class Unreachable(Exception):
    """MAAS gave no usable answer: another attempt may get one."""


class Refused(Exception):
    """MAAS refused, and says why."""


class Key:
    """An API key, which no log ever shows."""

    def __init__(self, consumer: str, token: str, secret: str) -> None:
        self._consumer, self._token, self._secret = consumer, token, secret

    def header(self) -> str:
        """Return the header that signs one request: OAuth 1.0, PLAINTEXT."""
        values = {
            "oauth_version": "1.0",
            "oauth_signature_method": "PLAINTEXT",
            "oauth_consumer_key": self._consumer,
            "oauth_token": self._token,
            "oauth_signature": f"&{self._secret}",
            "oauth_nonce": secrets.token_hex(16),
            "oauth_timestamp": str(int(time.time())),
        }
        pairs = (f'{name}="{quote(value, safe="")}"' for name, value in values.items())
        return "OAuth " + ", ".join(pairs)


class RegionAPI:
    """The few requests that init needs. Each raises Unreachable or Refused."""

    def __init__(self, socket: Path, key: Key) -> None:
        transport = httpx.HTTPTransport(uds=str(socket))
        self._client = httpx.Client(
            transport=transport, base_url="http://localhost", timeout=TIMEOUT_SECONDS
        )
        self._key = key

    def get_setting(self, name: str) -> Any:
        """Return the value of one of MAAS's settings."""
        answer = self._request("GET", "/maas/", {"op": "get_config", "name": name})
        return _json(answer)

    def set_setting(self, name: str, value: str) -> None:
        """Set one of MAAS's settings."""
        self._request("POST", "/maas/", {"op": "set_config"}, {"name": name, "value": value})

    def ssh_key_sources(self) -> set[str]:
        """Return where this user's SSH keys were imported from, as lp:NAME or gh:NAME."""
        keys = _json(self._request("GET", "/account/prefs/sshkeys/"))
        if not isinstance(keys, list):
            raise Refused("MAAS's list of SSH keys cannot be understood")
        return {str(key.get("keysource")) for key in keys if isinstance(key, dict)}

    def import_ssh_keys(self, source: str) -> None:
        """Have MAAS fetch a user's SSH keys."""
        self._request("POST", "/account/prefs/sshkeys/", {"op": "import"}, {"keysource": source})

    def works(self) -> bool:
        """Say whether MAAS can answer a question that needs its database."""
        try:
            return self._client.get(f"{ROOT}/version/").status_code == httpx.codes.OK
        except _NO_ANSWER:
            return False

    def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
    ) -> httpx.Response:
        headers = {"Authorization": self._key.header()}
        try:
            answer = self._client.request(
                method, ROOT + path, params=query, data=form, headers=headers
            )
        except _NO_ANSWER as error:
            raise Unreachable(str(error) or type(error).__name__) from None
        if answer.status_code == httpx.codes.OK:
            return answer
        if answer.status_code == httpx.codes.UNAUTHORIZED:  # the body may hold the secret (1.1)
            raise Refused("MAAS does not accept the API key")
        if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unreachable(f"MAAS answers 500: {_reason(answer)}")
        if answer.status_code in PASSING or answer.status_code > httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unreachable(f"MAAS answers {answer.status_code}")
        raise Refused(_reason(answer))


def without_passwords(text: str) -> str:
    """Return a text in which no address holds a user name or password."""
    return _USER_INFO.sub("//***@", text)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except _NO_JSON:
        raise Refused("MAAS's answer is no JSON") from None


def _reason(answer: httpx.Response) -> str:
    """Return what MAAS says, which is JSON of one list for each name, or plain text."""
    text = answer.content.decode(errors="replace")  # httpx obeys any charset, hex even
    try:
        document = json.loads(text)
    except _NO_JSON:
        document = None
    if isinstance(document, dict):
        values = (v if isinstance(v, list) else [v] for v in document.values())
        text = " ".join(str(reason) for reasons in values for reason in reasons)
    return " ".join(text.split()) or f"status {answer.status_code}"
