"""Backup and restore: a region that is backed up while it changes, removed, and brought back."""

import dataclasses
import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from engine import IMAGE, UNPRIVILEGED, Container, compose, docker
from eventually import eventually

from maas_init import archive

PROJECT = "maas-test-backup"
MAAS = f"{PROJECT}-maas-1"
RESTORE = f"{PROJECT}-restore"
SHELL = f"{PROJECT}-shell"
KILLS = 20
SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
DATA = "/var/lib/maas"
# All that a backup is to bring back; the rest MAAS makes anew.
FILES = f"cd {DATA} && find maas_id maas_uuid secret image-storage -type f | sort | xargs sha256sum"
DATABASE = ("exec", f"{PROJECT}-postgres-1", "pg_dump", "-U", "maas", "maasdb")


@dataclass
class Whole:
    """A region at one moment: all rows, and the files that count."""

    rows: str
    files: str


@pytest.fixture(scope="module")
def region(image: str) -> Iterator[Container]:
    _remove()
    yield _start()
    _remove()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("backups")
    os.chown(path, 568, 568)
    for parent in path.parents:
        if parent == Path("/tmp"):
            break
        parent.chmod(0o755)
    return path


def test_a_backup_while_settings_users_and_images_change(
    region: Container, directory: Path
) -> None:
    stop = threading.Event()
    changing = threading.Thread(target=_change, args=(region, stop))
    changing.start()
    try:
        time.sleep(1)
        path = _backup(directory)
    finally:
        stop.set()
        changing.join()
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"maas-demo" not in path.read_bytes().replace(b"truenas-maas-demo", b"")
    changes = _number(region, "SELECT count(*) FROM auth_user WHERE username LIKE 'user-%'")
    assert changes > 3
    region.run("supervisorctl", "stop", "all", check=False)
    _compose("stop", "maas")
    _restore(path)
    maas = _start()
    # each change was a user, a setting and an image, in one transaction
    users = _number(maas, "SELECT count(*) FROM auth_user WHERE username LIKE 'user-%'")
    setting = maas.sql("SELECT value FROM maasserver_config WHERE name = 'kernel_opts'")
    assert 0 < users < changes
    assert setting == f'"change {users}"'
    named = maas.sql("SELECT filename_on_disk FROM maasserver_bootresourcefile").split()
    assert len(named) == users
    for name in named:
        content = maas.run("cat", f"{DATA}/image-storage/{name}")
        assert content.strip() == f"image of {name}"
    # what came later is not lost: MAAS would have removed it at its start
    aside = maas.run("ls", f"{DATA}/restored/image-storage").split()
    assert sorted(aside) == sorted(f"i{n}" for n in range(users + 1, changes + 1))


def test_the_way_back(region: Container, directory: Path) -> None:
    _compose("stop", "maas")
    path = _backup(directory)
    _other_data()
    before = _whole()
    _restore(path)
    assert _whole() != before
    script = f"ls {DATA}/backups/*-before-restore.tar | tail -n 1"
    way_back = _shell(script).strip()
    # as many times as one likes: what is being restored is never the one that has to go
    for _ in range(4):
        assert "restored: docker compose up -d" in _run_to_end(f"maas-init restore {way_back}", 0)
    after = _whole()
    assert after.rows == before.rows
    assert _shell(f"cat {DATA}/secret").strip() == "other"
    assert len(_shell(f"ls {DATA}/backups/*-before-restore.tar").split()) == 4
    _restore(path)


def test_a_fresh_stack_gets_all_of_it_back(region: Container, directory: Path) -> None:
    key = _start().run("maas-region", "apikey", "--username", "admin")
    _compose("stop", "maas")
    before = _whole()
    path = _backup(directory)
    _remove()
    maas = _start()
    identity = maas.run("cat", f"{DATA}/maas_id", f"{DATA}/secret")
    _compose("stop", "maas")
    assert _whole() != before
    _restore(path)
    assert _whole() == before
    maas = _start()
    assert maas.run("cat", f"{DATA}/maas_id", f"{DATA}/secret") != identity
    assert maas.run("maas-region", "apikey", "--username", "admin") == key
    certificate = maas.run("cat", f"{DATA}/certificates/cluster.pem").strip()
    stored = maas.sql(
        "SELECT value->>'cert' FROM maasserver_secret WHERE path = 'global/cluster-certificate'"
    )
    assert stored.strip() == certificate
    assert "state: the database is current" in maas.log().rpartition("| init starts")[2]


def test_killed_at_random_moments_the_next_restore_finishes_it(
    region: Container, directory: Path
) -> None:
    print(f"\nCHAOS_SEED={SEED}")
    chance = random.Random(SEED)
    _compose("stop", "maas")
    path = _backup(directory)
    wanted = _whole()
    _other_data()
    begun = time.monotonic()
    _restore(path)
    whole_seconds = time.monotonic() - begun
    assert _whole() == wanted
    ended = 0
    for number in range(KILLS):
        _other_data()
        docker("rm", "--force", RESTORE)
        docker("run", "--detach", f"--name={RESTORE}", *_arguments(path))
        seconds = chance.uniform(0, whole_seconds)
        time.sleep(seconds)
        has_ended = docker("inspect", "-f", "{{.State.Running}}", RESTORE).strip() != "true"
        docker("kill", RESTORE, check=False)
        if _noted():
            if region.sql("SELECT to_regclass('public.other')"):  # nothing has changed yet
                _run_to_end("maas-init run", 0)
                assert not _noted()
            else:
                said = _run_to_end("maas-init run", 70)
                assert "cannot start on what a restore of /backup.tar has left half done" in said
                assert ":/backup.tar:ro maas maas-init restore /backup.tar" in said
                said = _run_to_end(f"maas-init backup {DATA}/backups", 70)
                assert "cannot back up what a restore of /backup.tar has left half done" in said
        begun = time.monotonic()
        _restore(path)
        if has_ended:  # measure again: what runs beside this may be less busy than it was
            ended += 1
            whole_seconds = time.monotonic() - begun
        assert _whole() == wanted, f"run {number}, killed after {seconds:.2f} s"
    print(f"{ended} of {KILLS} had ended before they were killed")
    assert ended < KILLS / 2  # else the moments are not those meant
    assert _shell(f"ls -A {DATA} {DATA}/backups | grep -E '^[.]|unfinished' || true").strip() in (
        "",
        ".maas-backup.lock",
    )
    maas = _start()
    assert maas.probe().startswith("healthy")


def test_damaged_newer_and_unreadable_archives_touch_nothing(
    region: Container, directory: Path
) -> None:
    _compose("stop", "maas")
    path = _backup(directory)
    before = _whole()
    listing = _shell(f"ls -lA {DATA} {DATA}/backups")
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 4
    bad = {
        "cut off": content[: len(content) // 2],
        "seal differs": bytes(flipped),
        "is no backup of MAAS": b"x" * 100,
    }
    for reason, wrong in bad.items():
        other = directory / "wrong.tar"
        other.write_bytes(wrong)
        os.chown(other, 568, 568)
        status, output = _try_to_restore(other)
        assert status == 65
        assert reason in output
        assert "Traceback" not in output
    newer = directory / "newer.tar"
    _as_newer(path, newer)
    status, output = _try_to_restore(newer)
    assert status == 65
    assert "is of MAAS 1:3.9.0-1, newer than 3.5.13+standin in this image" in output
    os.chown(other, 0, 0)
    other.chmod(0o600)
    status, output = _try_to_restore(other)
    assert status == 65
    assert "chown -R 568:568" in output
    large = directory / "large.tar"
    _with_image(path, large, 48)
    arguments = [
        a.replace(f"{PROJECT}_maas:{DATA}", f"{large}:/large:ro") for a in _arguments(large)
    ]
    small = f"--tmpfs={DATA}:uid=568,gid=568,mode=0750,exec,size=80m"
    output = docker("run", "--rm", small, *arguments, check=False)
    assert "MB in /var/lib/maas, and 83 MB are free. Make room there" in output
    assert _whole() == before
    assert _shell(f"ls -lA {DATA} {DATA}/backups") == listing


def test_a_running_region_is_not_restored_over(region: Container, directory: Path) -> None:
    maas = _start()
    path = _backup(directory)
    status, output = _try_to_restore(path)
    assert status == 69
    assert "Stop MAAS first: docker compose stop maas" in output
    assert maas.probe().startswith("healthy")


def test_an_image_that_is_gone_is_named_and_the_backup_kept(
    region: Container, directory: Path
) -> None:
    maas = _start()
    maas.run("sh", "-c", f"mv {DATA}/image-storage/i1 /tmp/")
    script = "maas-init backup /backups; echo status $?"
    output = _run_once(directory, "sh", "-c", script)
    assert "status 75" in output
    assert "cannot back up 1 images that the database names" in output
    assert "image-storage/i1" in output
    (incomplete,) = directory.glob("*-incomplete.tar")
    incomplete.unlink()
    assert "status 0" in _run_once(
        directory, "sh", "-c", script.replace("backup", "backup --without-images", 1)
    )
    maas.run("sh", "-c", f"cp /tmp/i1 {DATA}/image-storage/")


def test_directories_that_do_not_do(region: Container, directory: Path) -> None:
    script = "; ".join(
        f"maas-init backup {path}; echo status $?"
        for path in ("/nowhere", "/", "/data", "/tmp/closed")
    )
    output = _run_once(directory, "sh", "-c", f"mkdir -m 0500 /tmp/closed; {script}")
    assert output.count("status 73") == 4
    assert "--volume /path/on/host:/nowhere maas maas-init backup /nowhere" in output
    assert "cannot back up to /: it is read-only" in output
    assert "chown 568:568 <the directory that is mounted at /tmp/closed>" in output


def test_three_are_kept(region: Container, directory: Path) -> None:
    for _ in range(2):
        newest = _backup(directory)
    kept = sorted(directory.glob("maas-backup-*Z.tar"))
    assert len(kept) == 3
    assert kept[-1] == newest
    assert len(list(directory.glob("maas-backup-*Z-without-images.tar"))) == 1
    assert not list(directory.glob(".maas-backup.[!l]*"))


def test_a_terminal_shows_a_bar(region: Container) -> None:
    maas = _start()
    shown = docker("exec", "--tty", maas.name, "maas-init", "backup")
    assert re.search(r"files \[#+ *\] +\d+% \d+ of \d+ MB", shown)
    backups = maas.run("maas-init", "status")
    assert re.search(r"MB  maas-backup-\d+T\d+Z.tar", backups)


def _remove() -> None:
    docker("rm", "--force", RESTORE, SHELL)
    _compose("down", "--volumes")


def _compose(*arguments: str) -> str:
    return compose(*arguments, project=PROJECT)


def _start() -> Container:
    _compose("up", "--detach", "postgres", "maas")
    maas = Container(MAAS, PROJECT)
    maas.wait_until_healthy()
    eventually(lambda: maas.probe().startswith("healthy"), 60)
    return maas


def _change(maas: Container, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        name = f"i{number}"
        maas.run("sh", "-c", f"echo image of {name} > {DATA}/image-storage/{name}")
        size = len(f"image of {name}\n")
        maas.sql(
            "BEGIN;"
            "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email,"
            " is_staff, is_active, date_joined)"
            f" VALUES ('x', false, 'user-{number}', '', '', 'u{number}@x', false, true, now());"
            " INSERT INTO maasserver_config (name, value)"
            f" VALUES ('kernel_opts', '\"change {number}\"')"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value;"
            " WITH f AS (INSERT INTO maasserver_bootresourcefile"
            " (filename, filetype, sha256, filename_on_disk, size)"
            f" VALUES ('{name}', 'squashfs', '{name}', '{name}', {size}) RETURNING id)"
            " INSERT INTO maasserver_bootresourcefilesync (file_id, region_id, size)"
            f" SELECT f.id, n.id, {size} FROM f, maasserver_node n;"
            "COMMIT"
        )


def _number(maas: Container, query: str) -> int:
    return int(maas.sql(query))


def _arguments(path: Path) -> list[str]:
    """Return what `docker compose run` does for a restore, with a container name of our own."""
    return [
        *UNPRIVILEGED,
        f"--network={PROJECT}_default",
        "--env=MAAS_URL=http://maas:5240/MAAS",
        "--env=POSTGRES_PASSWORD=maas-demo",
        f"--volume={PROJECT}_maas:{DATA}",
        f"--volume={path}:/backup.tar:ro",
        IMAGE,
        "maas-init",
        "restore",
        "/backup.tar",
    ]


def _backup(directory: Path) -> Path:
    output = _compose(
        "run", "--rm", f"--volume={directory}:/backups", "maas", "maas-init", "backup", "/backups"
    )
    name = re.findall(r"^/backups/(\S+\.tar)$", output, re.M)[-1]
    return directory / str(name)


def _run_once(directory: Path, *command: str) -> str:
    return _compose("run", "--rm", f"--volume={directory}:/backups", "maas", *command)


def _try_to_restore(path: Path) -> tuple[int, str]:
    docker("rm", "--force", RESTORE)
    result = subprocess.run(
        ["docker", "run", f"--name={RESTORE}", *_arguments(path)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return result.returncode, result.stdout


def _restore(path: Path) -> None:
    status, output = _try_to_restore(path)
    assert status == 0, output
    assert "restored: docker compose up -d" in output


def _shell(script: str) -> str:
    return _run_to_end(script, 0)


def _run_to_end(script: str, status: int) -> str:
    """Run a script beside MAAS, in a container that stays for the next one."""
    if not docker("ps", "--quiet", f"--filter=name=^{SHELL}$"):
        image = _arguments(Path("/dev/null"))[:-3]
        run = ("run", "--detach", "--init", "--no-healthcheck", f"--name={SHELL}")
        docker(*run, *image, "sleep", "infinity")
    output = docker("exec", SHELL, "sh", "-c", f"{script}; echo status $?")
    text, _, ended = output.rpartition("status ")
    assert int(ended) == status, output
    return text


def _whole() -> Whole:
    rows = docker(*DATABASE)
    rows = "\n".join(line for line in rows.splitlines() if "restrict " not in line)
    return Whole(rows, _shell(FILES))


def _noted() -> bool:
    return "unfinished-restore" in _shell(f"ls {DATA}/backups")


def _other_data() -> None:
    """Bring in what the backup does not have."""
    container = Container(MAAS, PROJECT)
    container.sql("DELETE FROM maasserver_config; CREATE TABLE IF NOT EXISTS other (x int)")
    _shell(f"echo other > {DATA}/secret; rm -f {DATA}/image-storage/i2")


def _as_newer(path: Path, newer: Path) -> None:
    _rewrite(path, newer, {}, maas="1:3.9.0-1")


def _with_image(path: Path, larger: Path, megabytes: int) -> None:
    _rewrite(path, larger, {"image-storage/large": b"x" * megabytes * 10**6})


def _rewrite(path: Path, other: Path, more: dict[str, bytes], **changes: object) -> None:
    """Write another archive with a good seal."""
    with archive.opened(path, lambda count: None) as backup:
        writer = archive.Writer(other)
        for name in backup.manifest.files:
            member = path.parent / "member"
            backup.extract(name, member, lambda count: None)
            writer.add(name, member, lambda count: None)
            member.unlink()
        for name, content in more.items():
            writer.add_bytes(name, content)
        writer.finish(dataclasses.replace(backup.manifest, **changes))  # type: ignore[arg-type]
        writer.close()
    os.chown(other, 568, 568)
