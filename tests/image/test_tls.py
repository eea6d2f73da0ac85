"""MAAS's own TLS on the running stack, and MAAS's commands where there is no terminal."""

import json
import re
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine import Container, docker
from eventually import eventually


class Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


def get(url: str, context: ssl.SSLContext | None = None) -> tuple[int, str]:
    """Return status, and where it leads or what it says."""
    handlers = [urllib.request.HTTPSHandler(context=context)] if context else []
    opener = urllib.request.build_opener(Unfollowed, *handlers)
    try:
        with opener.open(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location") or ""


def put(maas: Container, path: str, content: str) -> None:
    command = ["docker", "exec", "-i", maas.name, "sh", "-c", f"umask 077; cat > {path}"]
    subprocess.run(command, input=content, text=True, check=True)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365"),
            *("-subj", "/CN=maas", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "crt")),
        ],
        check=True,
        capture_output=True,
    )
    return (tmp_path / "key").read_text(), (tmp_path / "crt").read_text()


def wait_for(url: str, status: int) -> None:
    """Wait until nginx's old workers, which answer some while it reloads, are gone, too."""
    eventually(lambda: all(get(url)[0] == status for _ in range(10)), 10)


@pytest.fixture
def tls(maas: Container, certificate: tuple[str, str]) -> Iterator[Container]:
    put(maas, "/tmp/key", certificate[0])
    put(maas, "/tmp/crt", certificate[1])
    maas.run("maas-region", "config-tls", "enable", "/tmp/key", "/tmp/crt", "--yes")
    url = f"http://{maas.port(5240)}/MAAS/api/2.0/version/"
    wait_for(url, 301)
    yield maas
    maas.run("maas-region", "config-tls", "disable")
    wait_for(url, 200)


def age_of_api_check(maas: Container) -> float:
    age: float = json.loads(maas.run("healthcheck", "--json"))["checks"]["api"]["age"]
    return age


def test_machines_stay_on_5240_and_the_rest_is_sent_to_tls(
    tls: Container, certificate: tuple[str, str]
) -> None:
    plain = f"http://{tls.port(5240)}"
    for path in ("/MAAS/rpc/", "/MAAS/machine-resources/amd64"):
        assert get(plain + path)[0] == 200
    for path in ("/MAAS/r/", "/MAAS/api/2.0/version/", "/MAAS/a/metrics"):
        status, location = get(plain + path)
        assert status == 301
        assert re.fullmatch(rf"https://127\.0\.0\.1:5443{path}", location)
    trusted = ssl.create_default_context(cadata=certificate[1])
    secure = f"https://{tls.port(5443)}"
    assert get(f"{secure}/MAAS/api/2.0/version/", trusted)[0] == 200
    assert tls.run("stat", "-c", "%a", "/var/lib/maas/http/certs/regiond-proxy-key.pem") == "600\n"


def test_checks_and_apply_understand_it(tls: Container) -> None:
    # the check ran with TLS on when it has run once more
    eventually(lambda: age_of_api_check(tls) >= 6, 20)
    eventually(lambda: age_of_api_check(tls) <= 3, 20)
    assert tls.probe().startswith("healthy")
    tls.run("maas-init", "apply")


def test_the_check_sees_that_the_tls_port_is_dead(tls: Container) -> None:
    configuration = "/var/lib/maas/http/regiond.nginx.conf"
    tls.run("sh", "-c", f"sed -i 's/5443 ssl/5444 ssl/' {configuration}")
    tls.run("supervisorctl", "signal", "HUP", "nginx")
    eventually(lambda: "api: port 5443 does not answer" in tls.probe(), 30)
    tls.run("sh", "-c", f"sed -i 's/5444 ssl/5443 ssl/' {configuration}")
    tls.run("supervisorctl", "signal", "HUP", "nginx")
    eventually(lambda: tls.probe().startswith("healthy"), 30)


def test_a_certificate_that_expires_soon_is_told(tls: Container, tmp_path: Path) -> None:
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    names = ("-subj", "/CN=maas", "-keyout", str(tmp_path / "k"), "-out", str(tmp_path / "c"))
    subprocess.run([*made, *names], check=True, capture_output=True)
    put(tls, "/tmp/key", (tmp_path / "k").read_text())
    put(tls, "/tmp/crt", (tmp_path / "c").read_text())
    tls.run("maas-region", "config-tls", "enable", "/tmp/key", "/tmp/crt", "--yes")
    soon = "degraded: certificates: the web certificate expires in 2 days"
    eventually(lambda: tls.probe().startswith(soon), 90)
    expiry = 'maas_certificate_expiry_timestamp_seconds{certificate="web"}'
    eventually(lambda: expiry in get(f"http://{tls.port(9568)}/metrics")[1], 15)


def test_a_certificate_of_another_key_is_refused(
    maas: Container, certificate: tuple[str, str]
) -> None:
    put(maas, "/tmp/crt", certificate[1])
    other = subprocess.run(
        ["openssl", "genrsa", "2048"], capture_output=True, text=True, check=True
    )
    put(maas, "/tmp/other", other.stdout)
    output = maas.run(
        *("maas-region", "config-tls", "enable", "/tmp/other", "/tmp/crt", "--yes"), check=False
    )
    assert "Private and public keys don't match" in output


PORTS = [
    *(("-p", "99999"), ("-p5240",), ("--port", "0"), ("--port=5270",)),
    *(("-p=99999",), ("--por", "99999"), ("--port", "x")),
]


@pytest.mark.parametrize("port", PORTS)
def test_a_port_that_nginx_cannot_take_is_refused(maas: Container, port: tuple[str, ...]) -> None:
    enable = ("maas-region", "config-tls", "enable", "/tmp/key", "/tmp/crt", "--yes")
    assert "cannot use that port " in maas.run(*enable, *port, check=False)
    assert maas.sql("SELECT count(*) FROM maasserver_secret WHERE path = 'global/tls'") == "0"


def test_questions_without_a_terminal_are_refused_instead_of_asked_for_ever(
    maas: Container,
) -> None:
    asked = maas.run("maas-region", "config-tls", "enable", "/tmp/key", "/tmp/crt", check=False)
    assert "add --yes" in asked
    vault = ("config-vault", "configure", "http://192.0.2.1:8200", "role", "token", "path")
    assert "add --yes" in maas.run("maas-region", *vault, check=False)
    made = maas.run("maas-region", "createadmin", "--username", "x", check=False)
    assert "add --username and --email" in made
    add = ("maas-region", "createadmin", "--username=x", "--email=x@example.com")
    for given in ("", "once\n"):
        command = ["docker", "exec", "-i", maas.name, *add]
        ended = subprocess.run(command, input=given, text=True, capture_output=True, timeout=60)
        assert ended.returncode == 1
        assert "maas-init admin NAME" in ended.stderr
    ended = subprocess.run(command, input="twice\ntwice\n", text=True, check=True, timeout=60)
    assert maas.sql("SELECT is_superuser FROM auth_user WHERE username = 'x'") == "t"
    maas.sql("UPDATE auth_user SET is_active = false, username = 'gone' WHERE username = 'x'")
    output = docker(
        "exec", maas.name, "sh", "-c", "maas-region apikey --username nobody", check=False
    )
    assert "User does not exist" in output


@pytest.mark.parametrize("command", ["maas-init", "maas-region"])
def test_root_is_sent_away(maas: Container, command: str) -> None:
    output = maas.run(command, "status", user="0", check=False)
    assert output.startswith("cannot run as root")
