"""Every fault: how its arguments are drawn, how it begins, and how it ends.

None of them waits for anything to get well, and none minds what another one has stopped before it.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine import PROGRAMS, Container, docker
from eventually import eventually

from chaos import scripts
from chaos.stack import Stack, in_background

OPERATIONS = ("stop", "kill", "restart")
VOLUMES = {"maas": "568", "maas-log": "568", "maas-proxy": "568", "postgres": "999"}
REFUSE = "host all all all reject"
HBA = "/volumes/postgres/pgdata/pg_hba.conf"
SECOND_SECONDS = 120
STOP_SECONDS = 50  # TrueNAS gives 60

Arguments = Sequence[str]


def _nothing(*_: object) -> None:
    """What ends by itself, or is mended by PID 1, MAAS or Docker."""


@dataclass(frozen=True)
class Fault:
    """A fault; `begin` learns how many seconds after it `end` will come.

    One that is `alone` has no other beside it.
    """

    begin: Callable[[Stack, Arguments, float], object]
    end: Callable[[Stack, Arguments], object] = _nothing
    draw: Callable[[random.Random], Arguments] = lambda chance: ()
    alone: bool = False


def _a_program(chance: random.Random) -> Arguments:
    return (chance.choice(PROGRAMS),)


def _of_program(stack: Stack, program: str, shell: str) -> None:
    """Run a shell command in which $pid is the program's."""
    pid = f"pid=$(supervisorctl pid {program}) && [ $pid != 0 ] && "
    stack.maas.run("sh", "-c", pid + shell, check=False)


# --- programs


def _draw_kill(chance: random.Random) -> Arguments:
    # 3.7's apiserver takes SIGTERM as the end of half of it (facts/maas-37-region-run.md 5)
    program = chance.choice(PROGRAMS)
    signals = ("KILL", "SEGV") if program == "apiserver" else ("KILL", "SEGV", "TERM")
    return (program, chance.choice(signals))


def _kill(stack: Stack, arguments: Arguments, _: float) -> None:
    program, signal = arguments
    _of_program(stack, program, f"kill -{signal} $pid")


def _kill_all(stack: Stack, *_: object) -> None:
    stack.maas.run("sh", "-c", "kill -9 -1", check=False)


def _freeze(stack: Stack, arguments: Arguments, _: float) -> None:
    _of_program(stack, arguments[0], "kill -STOP $pid && echo $pid >/tmp/chaos-frozen")


def _thaw(stack: Stack, *_: object) -> None:
    command = "kill -CONT $(cat /tmp/chaos-frozen); rm -f /tmp/chaos-frozen"
    stack.maas.run("sh", "-c", command, check=False)


def _stop(stack: Stack, arguments: Arguments, _: float) -> None:
    stack.maas.run("supervisorctl", "stop", arguments[0], check=False)


def _start(stack: Stack, arguments: Arguments) -> None:
    stack.maas.run("supervisorctl", "start", arguments[0], check=False)


# --- PostgreSQL


def _to_postgres(*command: str) -> Callable[..., object]:
    """Return a fault, or its end, that is a docker command for PostgreSQL's container."""
    return lambda stack, *_: docker(*command, stack.postgres, check=False)


def _sql(stack: Stack, statement: str) -> None:
    psql = ("psql", "-U", "maas", "-c", statement, "maasdb")
    docker("exec", stack.postgres, *psql, check=False)


def _kill_backend(stack: Stack, *_: object) -> None:
    a_backend = "SELECT pid FROM pg_stat_activity WHERE client_addr IS NOT NULL LIMIT 1"
    command = f'kill -9 $(psql -U maas -At -c "{a_backend}" maasdb)'
    docker("exec", stack.postgres, "sh", "-c", command, check=False)


def _pause(stack: Stack, *_: object) -> None:
    """cgroup v1's freezer may give up where processes come and go: then once more."""
    for _attempt in range(5):
        if "unable to freeze" not in docker("pause", stack.postgres, check=False):
            return


def _edit_hba(stack: Stack, edit: str) -> None:
    docker("exec", "--user=999", stack.keeper, "sed", "-i", edit, HBA, check=False)
    _sql(stack, "SELECT pg_reload_conf()")


def _refuse(stack: Stack, *_: object) -> None:
    others = "FROM pg_stat_activity WHERE client_addr IS NOT NULL"
    _edit_hba(stack, f"1i {REFUSE}")
    _sql(stack, f"SELECT pg_terminate_backend(pid) {others}")


def _cut(stack: Stack, *_: object) -> None:
    docker("network", "disconnect", "--force", stack.network, stack.postgres, check=False)


def _join(stack: Stack, *_: object) -> None:
    docker("network", "connect", "--alias=postgres", stack.network, stack.postgres, check=False)


# --- what there is too much of


def _fill(stack: Stack, arguments: Arguments, _: float) -> None:
    (volume,) = arguments
    write = ("dd", "if=/dev/zero", f"of=/volumes/{volume}/full", "bs=1M")
    docker("exec", f"--user={VOLUMES[volume]}", stack.keeper, *write, check=False)


def _empty(stack: Stack, arguments: Arguments) -> None:
    (volume,) = arguments
    remove = ("rm", "-f", f"/volumes/{volume}/full")
    docker("exec", f"--user={VOLUMES[volume]}", stack.keeper, *remove)


def _flood(stack: Stack, arguments: Arguments, seconds: float) -> None:
    program = stack.maas.run("supervisorctl", "pid", arguments[0], check=False).strip()
    stack.script(scripts.FLOOD_LOG, program, str(seconds))


def _client(stack: Stack, arguments: Arguments, seconds: float) -> None:
    stack.script(scripts.BE_A_BAD_CLIENT, *arguments, str(seconds))


# --- MAAS's container


def _draw_operations(chance: random.Random) -> Arguments:
    words: list[str] = []
    for _ in range(chance.randint(1, 3)):
        words += (chance.choice(OPERATIONS), f"{chance.uniform(0, 8):.1f}")
        words += ("start", f"{chance.uniform(0, 8):.1f}")
    return words[:-1]


def _operate(stack: Stack, arguments: Arguments, *_: object) -> None:
    """Begin each so many seconds after the one before, then wait until all have ended.

    Raises subprocess.TimeoutExpired when Docker had to wait for a program that does not stop.
    """
    running = []
    for word in arguments:
        if word in (*OPERATIONS, "start"):
            running.append((in_background(word, stack.maas.name), time.monotonic()))
        else:
            time.sleep(float(word))
    for process, begun in running:
        process.wait(max(0, begun + STOP_SECONDS - time.monotonic()))


def _create(stack: Stack, arguments: Arguments, _: float) -> None:
    stack.create()
    _operate(stack, arguments)


def _upgrade(stack: Stack, arguments: Arguments, _: float) -> None:
    stack.upgrade()
    _operate(stack, arguments)


def _up(stack: Stack, *_: object) -> None:
    """Start it whatever state it is in: a `start` may have come while it stopped."""
    stack.up()


def _second(stack: Stack, arguments: Arguments, _: float) -> None:
    """Start another region on the database and do something to the first, both at once."""
    operation = in_background(*arguments, stack.maas.name)
    stack.start_second()
    operation.wait(STOP_SECONDS)


def _remove_second(stack: Stack, _: Arguments) -> None:
    """It must get well before it goes."""
    stack.up()
    health = "{{.State.Health.Status}}"
    eventually(lambda: Container(stack.second).inspect(health) == "healthy", SECOND_SECONDS)
    docker("stop", stack.second)
    docker("rm", stack.second)
    docker("volume", "rm", stack.second)


FIRST = "create"
FAULTS = {
    FIRST: Fault(_create, _up, _draw_operations),
    "kill": Fault(_kill, draw=_draw_kill),
    "kill-another": Fault(_kill, draw=_draw_kill),
    "kill-all": Fault(_kill_all),
    "freeze": Fault(_freeze, _thaw, _a_program),
    "stop": Fault(_stop, _start, _a_program),
    "postgres-restart": Fault(_to_postgres("restart")),
    "postgres-kill": Fault(_to_postgres("kill"), _to_postgres("start")),
    "postgres-stop": Fault(_to_postgres("stop"), _to_postgres("start")),
    "postgres-crash": Fault(_kill_backend),
    "postgres-pause": Fault(_pause, _to_postgres("unpause")),
    "postgres-refuses": Fault(_refuse, lambda stack, _: _edit_hba(stack, f"/^{REFUSE}$/d")),
    "postgres-full": Fault(
        lambda stack, *_: stack.fill_connections(scripts.FILL_CONNECTIONS),
        lambda stack, _: docker("rm", "--force", stack.filler),
    ),
    "network-cut": Fault(_cut, _join),
    "volume-full": Fault(_fill, _empty, lambda chance: (chance.choice(sorted(VOLUMES)),)),
    "log-flood": Fault(_flood, draw=_a_program),
    "orphans": Fault(
        lambda stack, _, seconds: stack.script(scripts.LEAVE_ORPHANS, "3000", str(seconds))
    ),
    "slow-clients": Fault(_client, draw=lambda chance: ("slow", str(chance.randrange(10**6)))),
    "rubbish": Fault(_client, draw=lambda chance: ("rubbish", str(chance.randrange(10**6)))),
    "container": Fault(_operate, _up, _draw_operations),
    "container-again": Fault(_operate, _up, _draw_operations),
    "power-cut": Fault(
        lambda stack, *_: docker("kill", stack.postgres, stack.maas.name, check=False), _up
    ),
    "two-regions": Fault(
        _second, _remove_second, lambda chance: (chance.choice(OPERATIONS[1:]),), alone=True
    ),
    "upgrade": Fault(_upgrade, _up, _draw_operations),
}
