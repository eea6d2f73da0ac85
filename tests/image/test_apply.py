"""`maas-init apply` on the running stack: what it reports is what MAAS then has."""

import threading
from collections.abc import Iterator

import pytest
from engine import Container, docker, set_in_maas, stored
from eventually import eventually


def apply(maas: Container, *more: str, **settings: str) -> tuple[int, list[str]]:
    """Run maas-init apply with these MAAS_SETTING_… and variables; return status and lines."""
    variables = [f"--env=MAAS_SETTING_{k}={v}" for k, v in settings.items()]
    variables += [f"--env={variable}" for variable in more]
    script = "maas-init apply; echo status $?"
    output = docker("exec", *variables, maas.name, "sh", "-c", script)
    *lines, status = output.splitlines()
    return int(status.split()[1]), [line.partition(" init: ")[2] or line for line in lines]


@pytest.fixture(scope="module", autouse=True)
def as_before(stack: Container) -> Iterator[None]:
    yield

    def reset() -> bool:
        for name in ("http_proxy", "upstream_dns", "kernel_opts"):
            set_in_maas(stack, name, "")
        return True

    eventually(reset, 60)  # nginx gives up a regiond that was restarted for 10 s
    eventually(lambda: stack.state("squid") == "RUNNING", 60)
    eventually(lambda: stack.probe().startswith("healthy"), 60)


def test_the_start_applied_what_the_demo_declares(maas: Container) -> None:
    eventually(lambda: maas.state("apply") == "EXITED", 30)
    assert stored(maas, "maas_name") == "demo"
    assert stored(maas, "completed_intro") is True
    assert stored(maas, "enable_analytics") is False
    assert "apply has ended well" in maas.log()
    assert "apply: " not in maas.probe()


def test_set_changed_in_maas_and_set_again(maas: Container) -> None:
    wanted = {
        "upstream_dns": "192.0.2.1, 192.0.2.2",
        "ntp_servers": "one.example.com two.example.com",
        "prometheus_enabled": "on",
        "kernel_opts": "console=ttyS0,115200",
        "http_proxy": "http://me:pass-word@192.0.2.9:3128",
        "enable_http_proxy": "True",
    }
    status, lines = apply(maas, **wanted)
    assert status == 0, lines
    assert 'MAAS_SETTING_kernel_opts: set (to "console=ttyS0,115200", was null)' in lines
    assert "MAAS_SETTING_enable_http_proxy: unchanged (true)" in lines
    assert stored(maas, "upstream_dns") == "192.0.2.1 192.0.2.2"
    assert stored(maas, "prometheus_enabled") is True
    assert stored(maas, "http_proxy") == wanted["http_proxy"]
    assert "pass-word" not in "".join(lines)
    # named has them, too, which MAAS does not tell it (facts/maas-operate.md 1.4)
    options = maas.run("cat", "/var/lib/maas/bind/named.conf.options.inside.maas")
    assert "192.0.2.2" in options

    set_in_maas(maas, "kernel_opts", "quiet")
    status, lines = apply(maas, **wanted)
    assert status == 0
    results = [line.split(": ")[1].split()[0] for line in lines if "MAAS_SETTING_" in line]
    assert sorted(results) == ["set"] + ["unchanged"] * 8  # with the demo's own three
    assert 'MAAS_SETTING_kernel_opts: set (to "console=ttyS0,115200", was "quiet")' in lines
    assert stored(maas, "kernel_opts") == "console=ttyS0,115200"
    assert stored(maas, "completed_intro") is True


def test_what_is_refused_leaves_the_rest_done_and_the_container_degraded(maas: Container) -> None:
    status, lines = apply(
        maas,
        upstream_dns="not-an-address",
        maas_proxy_port="80",
        maas_nam="x",
        enable_analytics="perhaps",
        kernel_opts="after",
    )
    assert status == 78
    text = "\n".join(lines)
    assert "cannot apply 4 of " in text
    assert "MAAS_SETTING_upstream_dns: Invalid IP address" in text
    assert "MAAS_SETTING_maas_proxy_port: Unable to change port number" in text
    assert "MAAS_SETTING_maas_nam: MAAS has no setting of that name: did you mean" in text
    assert "MAAS_SETTING_maas_name?" in text
    assert "MAAS_SETTING_enable_analytics: it is 'perhaps', but must be yes or no" in text
    assert "Traceback" not in text
    assert stored(maas, "kernel_opts") == "after"
    eventually(lambda: maas.probe().startswith("degraded: apply: MAAS refuses "), 20)
    assert "MAAS_SETTING_upstream_dns" in maas.probe()
    maas.run("healthcheck")  # ends with 0
    assert maas.inspect("{{.State.Health.Status}}") == "healthy"
    assert apply(maas)[0] == 0
    eventually(lambda: maas.probe().startswith("healthy"), 20)


def test_ssh_keys_are_imported_once(maas: Container) -> None:
    sources = "MAAS_ADMIN_SSH_IMPORT=lp:somebody gh:somebody"
    assert "MAAS_ADMIN_SSH_IMPORT gh:somebody: set" in apply(maas, sources)[1]
    keys = maas.sql("SELECT count(*) FROM maasserver_sshkey")
    status, lines = apply(maas, sources)
    assert status == 0
    assert "MAAS_ADMIN_SSH_IMPORT lp:somebody: unchanged" in lines
    assert maas.sql("SELECT count(*) FROM maasserver_sshkey") == keys
    status, lines = apply(maas, "MAAS_ADMIN_SSH_IMPORT=gh:nobody-here")
    assert status == 78
    assert "There are no SSH keys for" in "".join(lines)
    apply(maas)


def test_the_key_is_found_or_made_once_and_in_no_log(maas: Container) -> None:
    keys = ("maas-region", "apikey", "--username", "admin")
    apply(maas)
    (given,) = maas.run(*keys).split()  # MAAS's own, and no other
    maas.run(*keys, "--delete", given)
    apply(maas)
    apply(maas)
    made, _, name = maas.run(*keys, "--with-names").strip().partition(" ")
    assert name == "maas-init"
    log = maas.log() + maas.run("cat", "/run/maas/apply.json")
    assert not any(part in log for part in (given + ":" + made).split(":"))


def test_it_waits_for_the_api(maas: Container) -> None:
    maas.run("supervisorctl", "stop", "regiond")
    ended: list[tuple[int, list[str]]] = []
    thread = threading.Thread(target=lambda: ended.append(apply(maas, kernel_opts="waited")))
    thread.start()
    thread.join(3)
    assert not ended
    maas.run("supervisorctl", "start", "regiond")
    thread.join(60)
    ((status, lines),) = ended
    assert status == 0
    assert any(line.startswith("waiting for MAAS's API: ") for line in lines)
    assert 'MAAS_SETTING_kernel_opts: set (to "waited", was "after")' in lines
