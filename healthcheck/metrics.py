"""Every metric, declared once. docs/metrics.md is made of these declarations."""

from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Family = GaugeMetricFamily | CounterMetricFamily


@dataclass(frozen=True)
class Metric:
    """A metric: `kind` is "gauge", "counter" or "histogram", `states` what its label state has."""

    name: str
    help: str
    kind: str = "gauge"
    labels: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    def family(self) -> Family:
        """Make what prometheus_client renders."""
        family = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        return family(self.name, self.help, labels=self.labels)


# What each label holds. None grows without bound.
LABELS = {
    "certificate": "`cluster` (Temporal's), `web` (MAAS's own TLS, where it is on)",
    "check": "the checks, by their names",
    "directory": "`data`, `log`, `proxy_cache`, `run`, `tmp`",
    "program": "PID 1's programs",
    "reason": "`requested`, `success` (status 0), `error` (another status), `signal`,"
    " `not_started`",
    "result": "`unchanged`, `set`, `refused`",
    "revision": "commit that the image was built from",
    "source": "`package`, or `standin` in the demo",
    "step": "init's steps, by their names",
    "version": "MAAS's, as its package has it",
}
HEALTH_STATES = ("starting", "healthy", "degraded", "unhealthy")
INIT_STATES = ("running", "done", "failed")
MIGRATION_STATES = ("unknown", "migrating", "current", "failed")
PROGRAM_STATES = (
    "stopped",
    "starting",
    "running",
    "backoff",
    "stopping",
    "exited",
    "fatal",
    "unknown",
)

HEALTH = (
    Metric(
        "maas_health",
        "Whether the container is in this state of health.",
        labels=("state",),
        states=HEALTH_STATES,
    ),
    Metric("maas_check_success", "Whether the last run of this check passed.", labels=("check",)),
    Metric(
        "maas_check_last_success_timestamp_seconds",
        "When this check passed last, in Unix time.",
        labels=("check",),
    ),
    Metric("maas_heals_total", "How often regiond was restarted because it hung.", "counter"),
    Metric(
        "maas_monitor_tick_timestamp_seconds",
        "When the monitor rendered these metrics, in Unix time.",
    ),
    Metric(
        "maas_build_info",
        "Always 1; its labels tell what runs.",
        labels=("version", "source", "revision"),
    ),
)
DURATION = Metric(
    "maas_check_duration_seconds",
    "How long the runs of this check took.",
    "histogram",
    labels=("check",),
)
INIT = (
    Metric(
        "maas_init_state",
        "Whether init, which prepares everything before MAAS starts, is in this state.",
        labels=("state",),
        states=INIT_STATES,
    ),
    Metric(
        "maas_init_step_duration_seconds",
        "How long this step of init took.",
        labels=("step",),
    ),
    Metric(
        "maas_init_progress_ratio",
        "How much of the step under way is done, where it counts, such as migrations; then 1.",
    ),
    Metric(
        "maas_apply_state",
        "Whether the last run of maas-init apply (MAAS's own settings) is in this state.",
        labels=("state",),
        states=INIT_STATES,
    ),
    Metric("maas_apply_duration_seconds", "How long the last run of maas-init apply took."),
    Metric(
        "maas_apply_settings",
        "How many of MAAS's own settings that are declared had this result.",
        labels=("result",),
    ),
)
DATABASE = (
    Metric("maas_database_round_trip_seconds", "How long PostgreSQL took to answer last."),
    Metric("maas_database_connect_seconds", "How long the last new connection took."),
    Metric("maas_database_connections", "Connections to PostgreSQL in use, of all databases."),
    Metric(
        "maas_database_max_connections", "Connections that PostgreSQL grants to ordinary roles."
    ),
    Metric("maas_database_size_bytes", "Size of MAAS's database."),
    Metric(
        "maas_database_migration_state",
        "Whether the schema is in this state, as init found or left it.",
        labels=("state",),
        states=MIGRATION_STATES,
    ),
)
PROGRAMS = (
    Metric(
        "supervisor_program_state",
        "Whether the program is in this state of supervisor's.",
        labels=("program", "state"),
        states=PROGRAM_STATES,
    ),
    Metric("supervisor_program_wanted", "Whether the program should run now.", labels=("program",)),
    Metric(
        "supervisor_program_restarts_total",
        "How often the program was started again after a failure, since PID 1's start.",
        "counter",
        labels=("program",),
    ),
    Metric(
        "supervisor_program_exits_total",
        "How often the program ended, or could not be started, since PID 1's start.",
        "counter",
        ("program", "reason"),
    ),
    Metric(
        "supervisor_program_start_time_seconds",
        "When the program was started last, in Unix time; 0 if never.",
        labels=("program",),
    ),
    Metric(
        "supervisor_program_cpu_seconds_total",
        "CPU time of the program and its descendants, since its start.",
        "counter",
        labels=("program",),
    ),
    Metric(
        "supervisor_program_resident_memory_bytes",
        "Resident memory of the program and its descendants; what they share counts several times.",
        labels=("program",),
    ),
    Metric(
        "supervisor_program_open_fds",
        "Open file descriptors of the program and its descendants.",
        labels=("program",),
    ),
    Metric(
        "supervisor_program_processes",
        "Processes of the program: itself and its descendants.",
        labels=("program",),
    ),
    Metric(
        "supervisor_log_lost_lines_total",
        "Lines of this program that the container's log has lost, for its reader was slow.",
        "counter",
        labels=("program",),
    ),
)
STATE = (
    Metric(
        "maas_directory_size_bytes",
        "Size of the file system of this directory.",
        labels=("directory",),
    ),
    Metric(
        "maas_directory_free_bytes",
        "What MAAS can still write to the file system of this directory.",
        labels=("directory",),
    ),
    Metric(
        "maas_certificate_expiry_timestamp_seconds",
        "Until when this certificate is valid, in Unix time.",
        labels=("certificate",),
    ),
    Metric(
        "maas_backup_last_timestamp_seconds",
        "When the newest backup was made, in Unix time; absent while there is none.",
    ),
)
SECTIONS = {
    "Health": (*HEALTH, DURATION),
    "Programs": PROGRAMS,
    "Init and MAAS's settings": INIT,
    "Database": DATABASE,
    "Directories, certificates, backups": STATE,
}
ALL = {metric.name: metric for metrics in SECTIONS.values() for metric in metrics}
