"""The services that regiond configures and asks for, as their clients see them."""

import os
import re
import time

import other_host
from engine import IMAGE, NETWORK, PROJECT, Container, docker
from eventually import eventually

HANGING = {
    "bind9": "dns",
    "squid": "proxy",
    "rsyslog": "syslog",
    "chrony": "ntp",
    "temporal": "temporal",
}

NEWEST_MEMBER = (
    "SELECT rpc_address FROM temporal.cluster_membership ORDER BY last_heartbeat DESC LIMIT 1"
)


def test_maas_itself_says_that_all_its_services_run(maas: Container) -> None:
    # regions that other tests have started, and that are gone, keep their rows
    system_id = maas.run("cat", "/var/lib/maas/maas_id").strip()
    query = (
        "SELECT s.name, s.status FROM maasserver_service s JOIN maasserver_node n ON n.id ="
        f" s.node_id WHERE n.system_id = '{system_id}'"
    )

    def states() -> dict[str, str]:
        return dict(row.split("|") for row in maas.sql(query).splitlines())

    eventually(lambda: set(states().values()) == {"running"}, 60)
    assert len(states()) == 8


def test_another_host_is_served_by_named(maas: Container) -> None:
    script = """
import socket, struct
name = b"".join(bytes([len(p)]) + p for p in (b"maas", b"maas")) + b"\\0"
query = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(5)
    client.sendto(query, ("maas", 53))
    answer = client.recv(512)
print(answer[3] & 15, socket.inet_ntoa(answer[-4:]), socket.gethostbyname("maas"))
"""

    def answered() -> bool:
        code, answer, real = other_host.run(script).split()
        return code == "0" and answer == real

    # MAAS puts its own name into the zone 10 to 60 s after its start (maas-region-run.md 7.7).
    eventually(answered, 90)


def test_another_host_is_served_by_squid(maas: Container) -> None:
    script = """
import urllib.request
proxy = urllib.request.ProxyHandler({"http": "http://maas:8000"})
answer = urllib.request.build_opener(proxy).open("http://maas:5240/MAAS/api/version/", timeout=10)
print(answer.status, answer.headers["Via"])
"""
    assert "200" in (answer := other_host.run(script))
    assert "squid" in answer
    assert "/MAAS/api/version/" in maas.run("cat", "/var/log/maas/proxy/access.log")


def test_another_host_is_told_the_time(maas: Container) -> None:
    script = """
import socket, struct, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(5)
    client.sendto(bytes([0x23]) + bytes(47), ("maas", 123))
    answer = client.recv(512)
print(answer[0] >> 6, answer[0] & 7, answer[1], struct.unpack(">I", answer[40:44])[0] - 2208988800)
"""
    leap, mode, stratum, seconds = map(int, other_host.run(script).split())
    assert (leap, mode) == (0, 4)
    assert 1 <= stratum < 16
    assert abs(seconds - time.time()) < 5


def test_chrony_leaves_the_clock_alone(maas: Container) -> None:
    assert "-x" in maas.run("cat", f"/proc/{maas.pid('chrony')}/cmdline").split("\0")
    assert "Disabled control of system clock" in maas.log()


def test_another_hosts_log_arrives(maas: Container) -> None:
    script = """
import socket, sys
token = sys.argv[1]
with socket.create_connection(("maas", 5247), timeout=5) as client:
    client.sendall(f"<13>Nov 23 10:00:00 node-1 cloud-init[7]: by TCP {token}\\n".encode())
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.sendto(f"<13>Nov 23 10:00:00 node-1 kernel: by UDP {token}".encode(), ("maas", 5247))
    client.sendto(f"<13>Nov 23 10:00:00 .. evil: elsewhere {token}".encode(), ("maas", 5247))
    new = f"<13>Nov 23 10:00:00 maas-enlisting-node kernel: new {token}"
    client.sendto(new.encode(), ("maas", 5247))
    client.sendto(f"<14>Nov 23 10:00:00 rack-1 maas.rpc: [info] {token}".encode(), ("maas", 5247))
"""
    token = os.urandom(8).hex()
    other_host.run(script, token)
    of_machine = "cat /var/log/maas/rsyslog/node-1/????-??-??/messages"
    for text in (f"cloud-init[7]: by TCP {token}", f"kernel: by UDP {token}"):
        eventually(lambda text=text: text in maas.run("sh", "-c", of_machine, check=False), 10)
        eventually(lambda text=text: text in maas.log(), 10)
    # those that enlist have one name, and are told apart by their addresses
    enlisting = f"grep --files-with-matches 'new {token}' /var/log/maas/rsyslog/*.*.*.*/*/messages"
    eventually(lambda: maas.run("sh", "-c", enlisting, check=False).startswith("/var/log/"), 10)
    of_maas = f"maas.rpc: [info] {token}"
    eventually(lambda: of_maas in maas.run("cat", "/var/log/maas/maas.log"), 10)
    assert of_maas in maas.log()
    # a name cannot lead out of the directory
    writable = ("/var/lib/maas", "/var/log/maas", "/var/spool/maas-proxy", "/run", "/tmp")
    found = maas.run("grep", "--recursive", "--files-with-matches", f"elsewhere {token}", *writable)
    assert re.fullmatch("/var/log/maas/rsyslog/[^/]+/[^/]+/messages\n", found)


def test_maass_own_lines_reach_its_file_and_the_containers_log(maas: Container) -> None:
    written = maas.run("cat", "/var/log/maas/maas.log").splitlines()
    own = [line for line in written if re.search(r" maas\.\w+: \[\w+\] ", line)]
    assert own
    log = maas.log()
    assert [line for line in own if line in log]


def test_requests_are_logged(maas: Container) -> None:
    maas.run("wget", "-qO-", "http://127.0.0.1:5240/MAAS/api/version/")
    access = "/var/log/maas/http/access.log"
    eventually(lambda: '"GET /MAAS/api/version/ ' in maas.run("cat", access, check=False), 10)


def test_services_that_hang_are_found_by_their_checks(maas: Container) -> None:
    eventually(lambda: maas.probe().startswith("healthy"), 60)
    for program in HANGING:
        maas.run("supervisorctl", "signal", "STOP", program)
    try:
        for check in HANGING.values():
            eventually(lambda check=check: f"{check}: " in maas.probe(), 45)
        assert maas.probe().startswith("unhealthy: dns: ")
    finally:
        for program in HANGING:
            maas.run("supervisorctl", "signal", "CONT", program)
    eventually(lambda: maas.probe().startswith("healthy"), 60)


def test_without_temporal_maas_is_degraded_until_regiond_has_it_started(maas: Container) -> None:
    maas.run("supervisorctl", "stop", "temporal")
    eventually(lambda: maas.state("temporal") == "RUNNING", 45)
    eventually(lambda: maas.probe().startswith("healthy"), 60)
    assert "regiond asks to start temporal" in maas.log()


def test_temporals_address_follows(maas: Container) -> None:
    """Twice stopped and started, each time with another address than before."""

    def address() -> str:
        return maas.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")

    seen = [address()]
    placeholders = []
    try:
        for _ in range(2):
            docker("stop", maas.name)
            placeholder = f"{PROJECT}-placeholder-{len(placeholders)}"
            placeholders.append(placeholder)
            docker("rm", "--force", placeholder)
            docker(
                *("run", "--detach", "--init", f"--name={placeholder}", f"--network={NETWORK}"),
                *(IMAGE, "sleep", "600"),
            )
            docker("start", maas.name)
            maas.wait_until_healthy()
            seen.append(address())
            eventually(lambda: maas.state("temporal") == "RUNNING", 60)
            configuration = maas.run("cat", "/var/lib/maas/temporal/production.yaml")
            assert f'broadcastAddress: "{seen[-1]}"' in configuration
            # what the running server announces, not what stands in its file
            eventually(lambda: maas.sql(NEWEST_MEMBER) == seen[-1], 30)
            eventually(lambda: maas.probe().startswith("healthy"), 60)
    finally:
        docker("rm", "--force", *placeholders)
    assert len(set(seen)) == 3
