"""PID 1's Pebble API, asked by the official client."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ops.pebble
import pytest
from eventually import eventually
from ops.pebble import APIError, ChangeError, ServiceStartup, ServiceStatus
from pid1 import Pid1


@pytest.fixture
def client(pid1: Pid1) -> ops.pebble.Client:
    pid1.program("bind9", "sleep 1000", pebble="bind9", autostart="false")
    pid1.program("squid", "sleep 1000", pebble="proxy", autostart="false")
    pid1.program("nginx", "false", pebble="http", autostart="false")
    pid1.program("regiond", "sleep 1000", pebble="regiond", essential="true")
    pid1.start()
    client = ops.pebble.Client(str(pid1.run / "pebble.sock"))
    eventually((pid1.run / "pebble.sock").exists)
    eventually(lambda: client.get_services(["regiond"])[0].is_running())
    return client


def states(client: ops.pebble.Client) -> dict[str, ServiceStatus | str]:
    return {service.name: service.current for service in client.get_services()}


def test_system_info(client: ops.pebble.Client) -> None:
    assert client.get_system_info().version == "4.3.0"


def test_services(client: ops.pebble.Client) -> None:
    services = {service.name: service for service in client.get_services()}
    assert list(services) == ["bind9", "http", "proxy", "regiond"]
    assert services["proxy"].startup is ServiceStartup.DISABLED
    assert services["proxy"].current is ServiceStatus.INACTIVE
    assert services["regiond"].startup is ServiceStartup.ENABLED
    assert [s.name for s in client.get_services(["proxy", "nobody", "bind9"])] == ["bind9", "proxy"]


def test_start_stop_and_restart_of_one_and_of_several(client: ops.pebble.Client) -> None:
    client.start_services(["proxy"])
    assert states(client)["proxy"] is ServiceStatus.ACTIVE
    client.stop_services(["proxy"])
    assert states(client)["proxy"] is ServiceStatus.INACTIVE
    client.restart_services(["proxy", "bind9"])
    change = client.get_change(client.start_services(["proxy", "bind9", "proxy"]))
    assert change.summary == 'Start service "proxy" and 1 more'
    assert [task.summary for task in change.tasks] == [
        'Start service "proxy"',
        'Start service "bind9"',
    ]
    assert (change.kind, change.status, change.ready, change.err) == ("start", "Done", True, None)
    assert change.ready_time
    assert change.ready_time >= change.spawn_time
    assert states(client)["bind9"] is ServiceStatus.ACTIVE
    client.stop_services(["proxy", "bind9"])
    assert set(states(client).values()) == {ServiceStatus.INACTIVE, ServiceStatus.ACTIVE}
    client.autostart_services()
    client.replan_services()


def test_a_change_that_fails(client: ops.pebble.Client) -> None:
    with pytest.raises(ChangeError) as raised:
        client.start_services(["http", "proxy"])
    assert "cannot perform the following tasks:" in raised.value.err
    assert '- Start service "http" (cannot start nginx: failed' in raised.value.err
    assert [task.status for task in raised.value.change.tasks] == ["Error", "Done"]
    assert states(client)["proxy"] is ServiceStatus.ACTIVE
    assert states(client)["http"] == "backoff"


def test_changes_and_waiting(client: ops.pebble.Client, pid1: Pid1) -> None:
    change_id = client.start_services(["proxy"], timeout=0)
    assert [c.id for c in client.get_changes(service="proxy")] == [change_id]
    assert client.get_changes(service="bind9") == []
    with pytest.raises(ops.pebble.TimeoutError):
        client.wait_change(change_id, timeout=0.2)
    assert client.wait_change(change_id).status == "Done"
    assert client.get_changes() == []
    assert change_id in [c.id for c in client.get_changes(ops.pebble.ChangeState.READY)]
    assert change_id in [c.id for c in client.get_changes(ops.pebble.ChangeState.ALL)]
    status, answer = pid1.request("GET", f"/v1/changes/{change_id}/wait?timeout=soon")
    assert (status, answer["type"]) == (400, "error")
    assert pid1.request("GET", f"/v1/changes/{change_id}/wait")[0] == 200


def test_signals(client: ops.pebble.Client) -> None:
    client.start_services(["proxy"])
    client.send_signal("SIGTERM", ["proxy"])  # ends it, and it is started again
    eventually(lambda: client.get_services(["proxy"])[0].is_running())
    for name, service in (("SIGHUP", "bind9"), ("SIGNONSENSE", "proxy"), ("SIGHUP", "nobody")):
        with pytest.raises(APIError) as raised:
            client.send_signal(name, [service])
        assert raised.value.code == 500
        assert f'cannot send signal to "{service}"' in raised.value.message


def test_unknown_services(client: ops.pebble.Client) -> None:
    with pytest.raises(APIError) as raised:
        client.restart_services(["proxy", "nobody"])
    assert raised.value.code == 400
    assert raised.value.message == 'cannot restart services: service "nobody" does not exist'
    assert states(client)["proxy"] is ServiceStatus.INACTIVE


def test_health(client: ops.pebble.Client, pid1: Pid1) -> None:
    eventually(lambda: pid1.request("GET", "/v1/health")[0] == 200)
    assert pid1.request("GET", "/v1/health")[1]["result"] == {"healthy": True}
    assert pid1.request("GET", "/v1/health?level=alive&names=proxy")[0] == 200
    assert pid1.request("GET", "/v1/health?level=ready&names=proxy")[0] == 502
    pid1.supervisorctl("stop", "regiond")
    status, answer = pid1.request("GET", "/v1/health")
    assert (status, answer["type"], answer["result"]) == (502, "sync", {"healthy": False})
    assert pid1.request("GET", "/v1/health?level=perhaps")[0] == 400


def test_wrong_methods_and_paths(client: ops.pebble.Client, pid1: Pid1) -> None:
    for method, path, status in (
        ("POST", "/v1/system-info", 405),
        ("DELETE", "/v1/services", 405),
        ("GET", "/v1/signals", 405),
        ("GET", "/v1/plan", 404),
        ("GET", "/v1/changes/99/wait", 404),
        ("GET", "/v1/changes?select=some", 400),
    ):
        answered, answer = pid1.request(method, path, {} if method == "POST" else None)
        assert (answered, answer["type"], answer["status-code"]) == (status, "error", status)
        assert answer["result"]["message"]


def test_fifty_clients_at_once(client: ops.pebble.Client, pid1: Pid1) -> None:
    def use(number: int) -> bool:
        own = ops.pebble.Client(str(Path(pid1.run / "pebble.sock")), timeout=30)
        service = ("proxy", "bind9")[number % 2]
        own.start_services([service])
        return own.get_services([service])[0].is_running()

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(use, range(50)))
    assert pid1.said().count("squid starts") == 1
