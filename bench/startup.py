"""Measures how a container of the project's image starts, beside the same programs started by hand.

Each life is `docker start` of a container that exists, with the unprivileged options and three
volumes, while PostgreSQL is up. The stand-in is made ten times as quick as MAAS, but for `real`.
"""

import subprocess
from dataclasses import dataclass, field

from engine import UNPRIVILEGED

from bench import lives
from bench.containers import IMAGE, postgres, settings
from bench.lives import ANSWERS, HEALTHY, LISTENS, Life
from bench.supervisors import ROOT, progress, run

STACK = "maas-bench-startup"
# How many containers on one database.
TOGETHER = (2, 4)
# How many programs, by the tag of the image that has them.
PROGRAMS = {"fifty": 50, "hundred": 100, "many": 200}
QUICK, REAL = "0.1", "1"
# What an earlier life has left on the volume is all that regiond needs, but for directories.
_PREPARE = "mkdir -p /run/maas/prometheus /run/lock"
ALONE = f"{_PREPARE} && exec regiond"
BY_HAND = (
    "maas-init run || exit; regiond &"
    " until test -S /run/maas/regiond-webapp.sock.0; do sleep 0.02; done;"
    " exec nginx -c /run/maas/nginx.conf"
)
MIGRATE_ALONE = (
    f"{_PREPARE} && export MAAS_REGION_CONFIG=/run/maas/regiond.conf"
    ' && sed "s/^database_name:.*/database_name: $POSTGRES_DB/" /var/lib/maas/regiond.conf'
    " >$MAAS_REGION_CONFIG && maas-region dbupgrade"
    ' && printf "%s\\n%s\\n" "$MAAS_ADMIN_PASSWORD" "$MAAS_ADMIN_PASSWORD" | maas-region'
    " createadmin --username admin --email admin@localhost --ssh-import '' && exec regiond"
)


@dataclass
class Started:
    """Lives of each kind, of those that were started together in one list.

    `alone`: regiond's exec and nothing before it, cold: MAAS's own two commands. `by_hand`: init,
    regiond and nginx, one after another. The others are the image's own PID 1.
    """

    alone: list[Life] = field(default_factory=list)
    by_hand: list[Life] = field(default_factory=list)
    warm: list[Life] = field(default_factory=list)
    real: list[Life] = field(default_factory=list)
    cold_alone: list[Life] = field(default_factory=list)
    cold: list[Life] = field(default_factory=list)
    cold_together: dict[int, list[Life]] = field(default_factory=dict)
    warm_together: dict[int, list[list[Life]]] = field(default_factory=dict)
    programs: dict[int, list[Life]] = field(default_factory=dict)


def measure(repeat: int) -> Started:
    """Measure it all. Raises MeasurementError."""
    few = max(1, repeat // 3)
    run("docker", "compose", "--file", str(ROOT / "bench/health/images.yaml"), "build")
    started = Started()
    with postgres(STACK):
        progress("a first start, for those that are warm")
        _create_database("warm")
        _start("warm", until=HEALTHY)
        for number in range(1, repeat + 1):
            progress(f"starting warm and by hand, repetition {number} of {repeat}")
            started.alone += _start("warm", until=LISTENS, script=ALONE)
            started.by_hand += _start("warm", until=ANSWERS, script=BY_HAND)
            started.warm += _start("warm", until=HEALTHY)
        for number in range(1, few + 1):
            progress(f"starting cold, and as slow as MAAS, repetition {number} of {few}")
            started.real += _start("warm", until=HEALTHY, scale=REAL)
            cold = f"cold{number}"
            _create_database(cold)
            started.cold += _start(cold, until=HEALTHY, database=cold)
            _create_database(f"alone{number}")
            started.cold_alone += _start(
                "warm", until=LISTENS, script=MIGRATE_ALONE, database=f"alone{number}"
            )
        for tag, programs in PROGRAMS.items():
            progress(f"starting {few} times with {programs} programs")
            image = f"truenas-maas-demo/bench:{tag}"
            for _ in range(few):
                life = _start("warm", until=ANSWERS, image=image)
                started.programs.setdefault(programs, []).extend(life)
        for count in TOGETHER:
            progress(f"starting {count} together, cold and then {few} times warm")
            together = f"together{count}"
            _create_database(together)
            names = [f"{together}-{number}" for number in range(1, count + 1)]
            started.cold_together[count] = _start(*names, until=ANSWERS, database=together)
            started.warm_together[count] = [
                _start(*names, until=ANSWERS, database=together) for _ in range(few)
            ]
    return started


def _create_database(name: str) -> None:
    run("docker", "exec", f"{STACK}-postgres", "createdb", "--username=maas", name)


def _start(
    *names: str,
    until: int,
    script: str = "",
    image: str = IMAGE,
    database: str = "warm",
    scale: str = QUICK,
) -> list[Life]:
    """Start containers at the same time, each on its own volumes; end them when they are so far."""
    containers = [f"{STACK}-{name}" for name in names]
    command = ("sh", "-c", script) if script else ()
    try:
        for name in containers:
            places = {"": "lib/maas", "-log": "log/maas", "-proxy": "spool/maas-proxy"}
            volumes = (f"--volume={name}{end}:/var/{path}" for end, path in places.items())
            where = (f"--name={name}", f"--hostname={name}", f"--network={STACK}", *volumes)
            given = settings(STACK, name, POSTGRES_DB=database, STANDIN_TIME_SCALE=scale)
            run("docker", "create", *where, *UNPRIVILEGED, *given, image, *command)
        return lives.start(*containers, until=until)
    finally:
        if not script:
            subprocess.run(["docker", "stop", *containers], capture_output=True)
        subprocess.run(["docker", "rm", "--force", *containers], capture_output=True)
