import socket

import pytest

from maas_init.steps import region_url


def test_a_host_that_listens_or_refuses_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolve_to("192.0.2.1"))
    for outcome in (None, ConnectionRefusedError()):
        monkeypatch.setattr(socket, "create_connection", connection(outcome))
        assert region_url.find_doubt("http://nas.example:5240/MAAS") is None


def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolve_to("192.0.2.1"))
    monkeypatch.setattr(socket, "create_connection", connection(OSError(113, "No route to host")))
    doubt = region_url.find_doubt("http://nas.example/MAAS")
    assert doubt
    assert "(No route to host)" in doubt
    assert "Set MAAS_URL" in doubt


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".example"])
def test_a_name_that_nobody_knows(host: str) -> None:
    doubt = region_url.find_doubt(f"http://{host}:5240/MAAS")
    assert doubt
    assert "cannot find the host of MAAS_URL" in doubt


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_loopback_is_nothing_for_machines(host: str) -> None:
    doubt = region_url.find_doubt(f"http://{host}:5240/MAAS")
    assert doubt
    assert "no machine can reach" in doubt


def test_it_does_not_hold_the_others_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_url, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(region_url, "find_doubt", lambda _url: threading_event())
    assert "in time" in str(region_url.Check("http://h/MAAS").doubt())


def threading_event() -> None:
    import time

    time.sleep(1)


def resolve_to(address: str) -> object:
    return lambda host, port: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


def connection(outcome: OSError | None) -> object:
    def connect(_address: object, _timeout: float) -> socket.socket:
        if outcome:
            raise outcome
        return socket.socket()

    return connect
