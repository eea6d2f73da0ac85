"""Changes and their tasks: what was asked for, and how far it is."""

from dataclasses import dataclass, field


@dataclass
class Task:
    """One step of a change: to start or to stop one service. Times are Unix times."""

    id: str
    kind: str
    service: str
    spawn_time: float
    ready_time: float | None = None
    error: str = ""
    begun: bool = False  # it has stopped, or started, the program itself
    waits: bool = False  # for what the program needs

    @property
    def ready(self) -> bool:
        """Whether nothing is left to do."""
        return self.ready_time is not None

    @property
    def summary(self) -> str:
        """A sentence for people, in Pebble's words."""
        return f'{self.kind.capitalize()} service "{self.service}"'

    @property
    def status(self) -> str:
        """Pebble's word for where it stands."""
        if self.ready:
            return "Error" if self.error else "Done"
        return "Doing" if self.begun or self.waits else "Do"


@dataclass
class Change:
    """One request to start, stop or restart services, carried out task by task."""

    id: str
    action: str
    services: list[str]
    spawn_time: float
    tasks: list[Task] = field(default_factory=list)
    ready_time: float | None = None

    @property
    def ready(self) -> bool:
        """Whether nothing is left to do."""
        return self.ready_time is not None

    @property
    def status(self) -> str:
        """Pebble's word for where it stands."""
        if not self.ready:
            return "Doing"
        return "Error" if self.error else "Done"

    @property
    def error(self) -> str:
        """What went wrong, task by task; empty if nothing did."""
        failed = [f"- {task.summary} ({task.error})" for task in self.tasks if task.error]
        return "\n".join(["cannot perform the following tasks:", *failed]) if failed else ""

    @property
    def summary(self) -> str:
        """A sentence for people, in Pebble's words."""
        action = self.action.capitalize()
        if not self.services:
            return f"{action} - no services"
        more = f" and {len(self.services) - 1} more" if len(self.services) > 1 else ""
        return f'{action} service "{self.services[0]}"{more}'

    def restarts(self, service: str) -> bool:
        """Say whether it has stopped a service and starts it again, with nothing in the way."""
        mine = [task for task in self.tasks if task.service == service]
        return len(mine) == 2 and mine[0].begun and not mine[1].ready and not mine[1].waits
