"""The reasons for which init ends, each with the exit status of the container."""


class InitError(Exception):
    """What the user must mend. `details` are further lines, each a thing to mend or to do."""

    exit_status = 75

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.details = details


class Unforeseen(InitError):
    """A mistake in maas-init itself."""


class DatabaseUnsuitable(InitError):
    """The database is newer than this image, or not MAAS's."""

    exit_status = 65


class DatabaseUnavailable(InitError):
    """The database was not reached in time, or a region is using it."""

    exit_status = 69


class MigrationFailed(InitError):
    """MAAS's migration, or what must come before it, failed."""

    exit_status = 70


class RestoreFailed(InitError):
    """The database refused what a backup holds, and is as it was."""

    exit_status = 70


class BackupUnusable(InitError):
    """An archive cannot be restored with this image."""

    exit_status = 65


class VolumeUnusable(InitError):
    """A volume cannot be written as it must be."""

    exit_status = 73


class DatabaseRefused(InitError):
    """The database answered and refused: password, role, database, TLS."""

    exit_status = 77


class ConfigurationUnusable(InitError):
    """Settings are missing or wrong, or versions do not fit each other."""

    exit_status = 78
