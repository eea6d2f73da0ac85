import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from urllib.parse import parse_qs, urlsplit

import pytest

from maas_init.commands.apply import _comparable, _explain
from maas_init.region_api import Key, Refused, RegionAPI, Unreachable
from maas_init.region_api import without_passwords as masked

SECRET = "the-secret-of-the-key"


class Server(UnixStreamServer):
    """Answers what a test says, and keeps the requests."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Handler)
        self.answer: tuple[int, str] = (200, "null")
        self.requests: list[tuple[str, str, dict[str, str], str]] = []


class Handler(BaseHTTPRequestHandler):
    def _do(self) -> None:
        assert isinstance(self.server, Server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        status, text = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = _do

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "socket")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def api(server: Server, tmp_path: Path) -> RegionAPI:
    return RegionAPI(tmp_path / "socket", Key("consumer", "token", SECRET))


def test_requests_are_as_maas_wants_them(api: RegionAPI, server: Server) -> None:
    server.answer = (200, '"auto"')
    assert api.get_setting("dnssec_validation") == "auto"
    server.answer = (200, "OK")
    api.set_setting("kernel_opts", "a=b&c ü")
    (_, get, headers, _), (method, post, again, body) = server.requests
    assert urlsplit(get).path == "/MAAS/api/2.0/maas/"
    assert parse_qs(urlsplit(get).query) == {"op": ["get_config"], "name": ["dnssec_validation"]}
    assert (method, post) == ("POST", "/MAAS/api/2.0/maas/?op=set_config")
    assert parse_qs(body) == {"name": ["kernel_opts"], "value": ["a=b&c ü"]}
    assert f'oauth_signature="%26{SECRET}"' in headers["Authorization"]
    assert headers["Authorization"] != again["Authorization"]  # a nonce is used once


def test_a_401_discloses_nothing(api: RegionAPI, server: Server) -> None:
    server.answer = (401, f"Invalid signature. Expected signature base string: &{SECRET}")
    with pytest.raises(Refused) as caught:
        api.get_setting("x")
    assert str(caught.value) == "MAAS does not accept the API key"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, '{"x": ["one", "two"]}', "one two"),
        (400, "No provided value!", "No provided value!"),
        (400, '["odd"]', '["odd"]'),
        (400, '{"x": "text"}', "text"),
        (403, "This method is reserved for admin users.", "reserved for admin"),
        (404, "", "status 404"),
        (301, "", "status 301"),
    ],
)
def test_refusals(api: RegionAPI, server: Server, status: int, body: str, reason: str) -> None:
    server.answer = (status, body)
    with pytest.raises(Refused, match=reason.replace("[", r"\[")):
        api.set_setting("x", "y")


@pytest.mark.parametrize("status", [409, 429, 500, 502])
def test_what_another_attempt_may_mend(api: RegionAPI, server: Server, status: int) -> None:
    server.answer = (status, "could not connect to server")
    with pytest.raises(Unreachable, match=f"MAAS answers {status}"):
        api.get_setting("x")
    assert not api.works()


def test_nobody_there(tmp_path: Path) -> None:
    api = RegionAPI(tmp_path / "none", Key("a", "b", "c"))
    with pytest.raises(Unreachable):
        api.get_setting("x")
    assert not api.works()


@pytest.mark.parametrize("body", ["", "OK", "<html>"])
def test_rubbish_in_the_place_of_json(api: RegionAPI, server: Server, body: str) -> None:
    server.answer = (200, body)
    with pytest.raises(Refused, match="no JSON"):
        api.get_setting("x")


@pytest.mark.parametrize("body", ["{}", "null", "3"])
def test_rubbish_in_the_place_of_a_list(api: RegionAPI, server: Server, body: str) -> None:
    server.answer = (200, body)
    with pytest.raises(Refused, match="list of SSH keys"):
        api.ssh_key_sources()


@pytest.mark.parametrize(
    ("name", "in_maas", "declared"),
    [
        ("upstream_dns", "192.0.2.1 192.0.2.2", "192.0.2.1, 192.0.2.2"),
        ("upstream_dns", None, ""),
        ("upstream_dns", "192.0.2.1", ", 192.0.2.1,"),
        ("active_discovery_interval", 10800, "10800"),
        ("active_discovery_interval", "0", "0"),
        ("remote_syslog", "host:514", "host"),
        ("remote_syslog", "host:1514", "host:1514"),
        ("completed_intro", True, "true"),
        ("maas_auto_ipmi_workaround_flags", ["one", "two"], "one, two"),
        ("kernel_opts", "quiet", " quiet "),
    ],
)
def test_what_is_equal(name: str, in_maas: object, declared: str) -> None:
    assert _comparable(name, in_maas) == _comparable(name, declared)


@pytest.mark.parametrize(
    ("name", "in_maas", "declared"),
    [
        ("kernel_opts", "console=ttyS0 115200", "console=ttyS0,115200"),
        ("remote_syslog", "host:514", "host:515"),
        ("completed_intro", False, "true"),
        ("maas_name", None, "x"),
    ],
)
def test_what_is_not(name: str, in_maas: object, declared: str) -> None:
    assert _comparable(name, in_maas) != _comparable(name, declared)


def test_an_unknown_name_gets_the_nearest() -> None:
    reason = "x is not a valid config setting (valid settings are: kernel_opts, maas_name)."
    assert "did you mean MAAS_SETTING_kernel_opts?" in _explain(reason, "kernel_opt")
    assert "it knows kernel_opts, maas_name" in _explain(reason, "zzz")
    assert _explain("Invalid IP address", "x") == "Invalid IP address"


def test_passwords_in_addresses_are_masked() -> None:
    text = """to "http://me:p'ss@proxy:3128", was "http://you@proxy\""""
    assert "me" not in masked(text)
    assert "you" not in masked(text)
    assert "proxy:3128" in masked(text)
