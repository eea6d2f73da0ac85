"""Django settings of the region; the database comes from regiond.conf (maas-region-run.md 3.1)."""

from maasserver.config import RegionConfig, own_id

_config = RegionConfig.load()

DEBUG = False
SECRET_KEY = "the stand-in signs nothing"
USE_TZ = True
TIME_ZONE = "UTC"
ALLOWED_HOSTS = ["*"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ID = 1

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _config.database_host,
        "PORT": str(_config.database_port),
        "NAME": _config.database_name,
        "USER": _config.database_user,
        "PASSWORD": _config.database_pass,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # maas-region-run.md 4: isolation is "repeatable read" (psycopg2's number for it).
            "isolation_level": 2,
            # The same of every command; NO_ID in processes older than the id (maas-operate.md 4).
            "application_name": f"maas-regiond-{own_id() or 'NO_ID'}",
        },
    }
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "piston3",
    "maasserver",
    "metadataserver",
]

MIGRATION_MODULES = {
    "auth": "maasserver.migrations.auth",
    "piston3": "maasserver.migrations.piston3",
    "maasserver": "maasserver.migrations.maasserver",
    "metadataserver": "metadataserver.migrations",
}
