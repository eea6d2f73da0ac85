"""truenas/compose.yaml as TrueNAS 25.10 takes it (facts/truenas.md 3), and docs/truenas.md with it.

TrueNAS reads the file as YAML 1.1, writes it anew with every string quoted, and Compose runs that.
"""

import copy
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from documented import Block, blocks, unproven
from engine import (
    ROOT,
    Container,
    Refused,
    compose_config,
    docker,
    set_in_maas,
    stored,
)
from eventually import eventually

pytestmark = pytest.mark.own_stack
TEXT = (ROOT / "truenas/compose.yaml").read_text()
PAGE = (ROOT / "docs/truenas.md").read_text()
APP = "ix-maas"
PROJECT = "ix-maas-test"
MAAS = f"{PROJECT}-maas-1"
POSTGRES = f"{PROJECT}-postgres-1"
DATASET = "/mnt/tank/maas"
RENDERED = "/mnt/.ix-apps/app_configs/maas/versions/1.0.0/templates/rendered"
PASSWORD = "another-long-password"  # the one that the page sets
# What TrueNAS gives to the containers of its catalogue.
FROM_TRUENAS = {
    "TZ": "Europe/Berlin",
    "UMASK": "002",
    "UMASK_SET": "002",
    "NVIDIA_VISIBLE_DEVICES": "void",
    **dict.fromkeys(("PUID", "UID", "USER_ID", "PGID", "GID", "GROUP_ID"), "568"),
}
# Keys of a service that need what is not there, widen its rights, or bring in what is not pasted.
UNWANTED = {"build", "env_file", "label_file", "profiles", "extends", "configs", "secrets"}
UNWANTED |= {"cap_add", "container_name", "devices", "network_mode", "privileged", "volumes_from"}
Document = dict[str, Any]


class Quoting(yaml.SafeDumper):
    """Quotes every string that is no text of several lines."""


Quoting.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else '"'
    ),
)


def read(text: str) -> Document:
    return dict(yaml.load(text, yaml.CSafeLoader))


def written(document: Document) -> str:
    return str(yaml.dump(document, Dumper=Quoting))


def config(text: str, directory: Path) -> Document:
    """Return what Compose makes of a file that is alone in a directory."""
    directory.mkdir(parents=True)
    file = directory / "docker-compose.yaml"
    file.write_text(text)
    return compose_config(f"--file={file}", f"--project-name={APP}")


def is_kept(text: str, directory: Path) -> bool:
    """Say whether a file means after TrueNAS's hands what it meant to Compose before."""
    pasted = config(text, directory / "pasted")
    try:
        return pasted == config(written(read(text)), directory / "written")
    except Refused:
        return False


def merged(document: Document, more: Document) -> Document:
    both = copy.deepcopy(document)
    for key, value in more.items():
        here = both.get(key)
        both[key] = merged(here, value) if isinstance(here, dict) else copy.deepcopy(value)
    return both


def with_block(number: int, *, ports: bool) -> str:
    """Return the file with what the page adds to it, and with or without MAAS's published ports."""
    document = merged(read(TEXT), read("\n".join(blocks(PAGE, "yaml")[number].lines)))
    if not ports:
        del document["services"]["maas"]["ports"]
    return str(yaml.dump(document))


WITH_ADDRESS = with_block(0, ports=True)
ON_HOSTS_NETWORK = with_block(1, ports=False)
NAMES = ["file", "with an address", "on the host's network"]
FILES = pytest.mark.parametrize("text", [TEXT, WITH_ADDRESS, ON_HOSTS_NETWORK], ids=NAMES)


def unsuitable(document: Document) -> list[str]:
    """Say what TrueNAS, or a stop and a start there, would not do well with."""
    found = [
        f"top: {key}" for key in document.keys() - {"services", "networks", "x-portals", "x-notes"}
    ]
    found += [f"{path}: {text}" for path, text in strings(document) if "$" in text]
    for name, service in document["services"].items():
        found += [f"{name}: {key}" for key in sorted(UNWANTED & service.keys())]
        wanted = {
            "user": "568:568",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "read_only": True,
            "restart": "unless-stopped",
            "stop_grace_period": "60s",
        }
        found += [f"{name}: {key}" for key, value in wanted.items() if service.get(key) != value]
        found += [f"{name}: no {key}" for key in ("pids_limit", "logging") if key not in service]
        health = service.get("healthcheck", {})
        needed = {"test", "interval", "timeout", "retries", "start_period", "start_interval"}
        found += [f"{name}: healthcheck.{key}" for key in needed - health.keys()]
        if not isinstance(service.get("depends_on", []), list):
            found.append(f"{name}: depends_on with a condition")
        for volume in service["volumes"]:
            if not isinstance(volume, dict) or not (
                volume["type"] == "bind"
                and volume["source"].startswith(f"{DATASET}/")
                and volume["bind"] == {"create_host_path": False}
            ):
                found.append(f"{name}: volume {volume}")
        for text in (*service.get("ports", []), *service["environment"].values()):
            if not isinstance(text, str):
                found.append(f"{name}: {text} is not quoted")
    if document["services"]["maas"].get("hostname") != "maas":
        found.append("maas: hostname")
    return found


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, its in value.items():
            yield from strings(its, f"{path}.{key}")
    elif isinstance(value, list):
        for its in value:
            yield from strings(its, path)


@FILES
def test_truenas_changes_nothing_of_what_it_means(text: str, tmp_path: Path) -> None:
    assert is_kept(text, tmp_path)


@FILES
def test_it_suits_truenas(text: str) -> None:
    host = ["maas: network_mode"] if text == ON_HOSTS_NETWORK else []
    assert unsuitable(read(text)) == host


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ('"5240:5240"', "53:53"),
        ('"5240:5240"', "5240:53"),
        ('MAAS_URL: ""', "MAAS_URL: yes"),
        ('MAAS_URL: ""', "MAAS_URL: 12:30:45"),
        ('"/mnt/tank/maas/data"', "./data"),
    ],
)
def test_a_trap_is_noticed(where: str, what: str, tmp_path: Path) -> None:
    assert where in TEXT
    assert not is_kept(TEXT.replace(where, what, 1), tmp_path)


@pytest.mark.parametrize(
    "more",
    [
        {"build": "."},
        {"env_file": [{"path": ".env", "required": False}]},
        {"profiles": ["x"]},
        {"container_name": "maas"},
        {"privileged": True},
        {"cap_add": ["NET_RAW"]},
        {"network_mode": "host"},
        {"user": "0:0"},
        {"hostname": ""},
        {"stop_grace_period": "120s"},
        {"read_only": False},
        {"ports": [3233]},
        {"environment": {"X": "${X:?}"}},
        {"environment": {"X": True}},
        {"environment": {"X": 1.1}},  # what was 1.10
        {"volumes": ["maas:/var/lib/maas"]},
        {"volumes": ["./data:/var/lib/maas"]},
        {"depends_on": {"postgres": {"condition": "service_healthy"}}},
    ],
    ids=lambda more: "-".join(more),
)
def test_what_does_not_suit_is_noticed(more: Document) -> None:
    assert len(unsuitable(merged(read(TEXT), {"services": {"maas": more}}))) == 1


def test_it_is_as_hardened_as_compose_yaml(tmp_path: Path) -> None:
    here = config(TEXT, tmp_path / "here")["services"]
    there = compose_config(f"--file={ROOT / 'compose.yaml'}")["services"]
    same = ("cap_drop", "security_opt", "read_only", "pids_limit", "restart", "logging", "tmpfs")
    same += ("healthcheck", "shm_size", "command", "depends_on")
    for name in ("maas", "postgres"):
        assert {k: here[name].get(k) for k in same} == {k: there[name].get(k) for k in same}
    assert here["postgres"]["image"] == there["postgres"]["image"]
    assert here["maas"]["image"].endswith(f"/{there['maas']['image']}")
    targets = {volume["target"] for volume in there["maas"]["volumes"]}
    assert {volume["target"] for volume in here["maas"]["volumes"]} == targets


def test_portal_and_notes_are_of_their_schema() -> None:
    document = read(TEXT)
    (portal,) = document["x-portals"]
    assert portal == {
        "name": "Web UI",
        "scheme": "http",
        "host": "0.0.0.0",  # TrueNAS puts its own address there
        "port": 5240,
        "path": "/MAAS/",
    }
    assert isinstance(document["x-notes"], str)
    published = [port.split(":") for port in document["services"]["maas"]["ports"]]
    assert ["5240", "5240"] in published


def test_what_has_no_login_is_on_loopback_and_truenas_ports_are_left_to_it() -> None:
    ports = read(TEXT)["services"]["maas"]["ports"]
    assert "127.0.0.1:9568:9568" in ports
    assert not {"53", "67", "123"} & {port.split(":")[-2] for port in ports}


def test_with_an_address_the_default_route_is_its_networks() -> None:
    # of two networks Docker takes the one whose name sorts first
    assert read(WITH_ADDRESS)["networks"]["lan"]["name"] < f"{APP}_default"


def test_what_to_set_stands_at_the_top_and_once() -> None:
    document = read(TEXT.replace('&database-password ""', '&database-password "x"'))
    assert {s["environment"]["POSTGRES_PASSWORD"] for s in document["services"].values()} == {"x"}
    empty = [path for path, text in strings(read(TEXT)) if not text]
    assert len(empty) == 4  # the database's password stands in both services then
    top = TEXT.splitlines()[:30]
    assert sum(bool(re.match(r" +# [1-4]\. ", line)) for line in top) == 4


def test_every_command_in_the_page_is_in_a_block_or_says_why_not() -> None:
    assert unproven(PAGE) == []


@dataclass
class Nas:
    """The parts of a TrueNAS that an app meets: a dataset, and the directory of its file."""

    directory: Path
    image: str

    @property
    def dataset(self) -> Path:
        return self.directory / "tank"

    @property
    def file(self) -> Path:
        return self.directory / "rendered/docker-compose.yaml"

    def shell(self, block: Block) -> str:
        """Run a block of the page, with this NAS's places and names."""
        script = "\n".join(["set -e -o pipefail", *block.tested])
        for theirs, ours in (
            (RENDERED, str(self.file.parent)),
            (DATASET, str(self.dataset)),
            (APP, PROJECT),
        ):
            script = script.replace(theirs, ours)
        result = subprocess.run(
            ["bash", "-c", script],
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=180,
            check=False,
        )
        print(script, result.stdout, sep="\n")
        assert result.returncode == 0, f"{script}\n…{result.stdout[-3000:]}"
        return result.stdout

    def save(self, **environment: str) -> None:
        """Write the app's file: what can be here is as it is pasted."""
        document = read(TEXT)
        for name, image in (("maas", self.image), ("postgres", "truenas-maas-demo/postgres:15")):
            service = document["services"][name]
            service["image"] = image
            for volume in service["volumes"]:
                volume["source"] = volume["source"].replace(DATASET, str(self.dataset))
            for variable in service["environment"].keys() & environment.keys():
                service["environment"][variable] = environment[variable]
        maas = document["services"]["maas"]
        maas["environment"] |= environment
        maas["ports"] = [f"127.0.0.1:0:{port.split(':')[-1]}" for port in maas["ports"]]
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(written(document))

    def compose(self, *arguments: str, check: bool = True) -> str:
        return docker("compose", "-p", PROJECT, "-f", str(self.file), *arguments, check=check)

    def make_directories(self) -> list[Path]:
        self.shell(blocks(PAGE)[0])
        return sorted(self.dataset.iterdir())

    def start(self) -> None:
        self.compose("down", "--remove-orphans")
        self.compose("up", "-d", "--force-recreate", "--remove-orphans")


@pytest.fixture(scope="module")
def nas(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nas]:
    nas = Nas(tmp_path_factory.mktemp("nas"), image)
    nas.save()
    nas.compose("down", "--volumes")
    yield nas
    nas.compose("down", "--volumes")


@pytest.fixture(scope="module")
def maas(nas: Nas) -> Container:
    """Install the app as the page says, in directories as the preset Apps leaves them.

    The access list itself is ZFS's: here 568 may write because everybody may.
    """
    directories = nas.make_directories()
    assert [path.stat().st_uid for path in directories] == [568] * 4
    for path in directories:
        os.chown(path, 0, 0)
        path.chmod(0o777)
    nas.save(
        MAAS_URL="http://maas:5240/MAAS",
        MAAS_ADMIN_PASSWORD="an-admin-password",
        POSTGRES_PASSWORD=PASSWORD,
        STANDIN_TIME_SCALE="0.02",
        **FROM_TRUENAS,
    )
    nas.start()
    maas = Container(MAAS, PROJECT)
    maas.wait_until_healthy()
    return maas


def test_a_paste_without_its_values_says_all_that_is_missing(nas: Nas) -> None:
    nas.make_directories()
    nas.start()
    maas = Container(MAAS, PROJECT)
    state = "{{.State.Status}} {{.State.ExitCode}}"
    eventually(lambda: maas.inspect(state) == "restarting 78", 30)
    said = maas.log().partition(" ERROR ")[2].partition("init has ended")[0]
    for name in ("MAAS_URL", "MAAS_ADMIN_PASSWORD", "POSTGRES_PASSWORD"):
        assert f"{name} is not set" in said
    assert "without a password" in docker("logs", POSTGRES)
    assert not list(nas.dataset.glob("*/*/PG_VERSION"))


def test_a_missing_directory_is_not_made(nas: Nas) -> None:
    nas.compose("down")
    shutil.rmtree(nas.dataset / "log")
    assert "bind source path does not exist" in nas.compose("up", "-d", check=False)
    assert not (nas.dataset / "log").exists()


def test_nothing_lives_in_a_volume_or_container(maas: Container) -> None:
    for container in (maas, Container(POSTGRES, PROJECT)):
        assert set(container.inspect("{{range .Mounts}}{{.Type}} {{end}}").split()) == {"bind"}
        assert (
            container.inspect("{{.HostConfig.ReadonlyRootfs}} {{.Config.User}}") == "true 568:568"
        )


def test_a_stop_and_a_start_change_the_address_and_nothing_else(nas: Nas, maas: Container) -> None:
    maas.run("sh", "-c", "echo somebodys-password | maas-init admin somebody")
    set_in_maas(maas, "kernel_opts", "console=ttyS0")
    identity = "cat /var/lib/maas/maas_id /var/lib/maas/maas_uuid /var/lib/maas/secret; hostname"
    rows = "SELECT system_id, hostname FROM maasserver_node"
    users = "SELECT username, password FROM auth_user ORDER BY username"

    def has() -> list[str]:
        return [maas.run("sh", "-c", identity), maas.sql(rows), maas.sql(users)]

    address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    before, old_address = has(), maas.inspect(address)
    nas.compose("down", "--remove-orphans")
    nas.make_directories()  # as often as one likes; and now 568 owns them
    occupied = f"{PROJECT}-occupied"
    docker("network", "create", occupied)  # takes the addresses that are free now
    try:
        nas.start()
        maas.wait_until_healthy()
    finally:
        docker("network", "rm", occupied)
    assert maas.inspect(address) != old_address
    assert has() == before
    assert stored(maas, "kernel_opts") == "console=ttyS0"
    assert "the database is current" in maas.log()
    eventually(lambda: maas.probe().startswith("healthy"), 30)


def test_the_commands_of_the_page(nas: Nas, maas: Container) -> None:
    users = "SELECT username FROM auth_user WHERE username IN ('somebody', 'later')"
    for block in blocks(PAGE)[1:]:
        output = nas.shell(block)
        commands = "\n".join(block.lines)
        if "maas-init status" in commands:
            assert "healthy: " in output
        elif "maas-init backup" in commands:
            assert re.search(r"^-rw------- .*maas-backup-\d+T\d+Z.tar$", output, re.M)
            maas.run("sh", "-c", "echo a-later-password | maas-init admin later")
            assert len(maas.sql(users).split()) == 2
        elif "maas-init restore" in commands:
            assert "restored: docker compose up -d" in output
            maas.wait_until_healthy()
            assert maas.sql(users) == "somebody"


def test_delete_leaves_the_dataset(nas: Nas, maas: Container) -> None:
    nas.compose("down", "--remove-orphans", "-v")
    assert not docker(
        "ps", "--all", "--quiet", f"--filter=label=com.docker.compose.project={PROJECT}"
    )
    assert (nas.dataset / "data/maas_id").read_text()
    assert (nas.dataset / "postgres/pgdata/PG_VERSION").read_text()
