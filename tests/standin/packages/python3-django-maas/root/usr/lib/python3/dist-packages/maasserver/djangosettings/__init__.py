"""Settings modules; Django is told which by DJANGO_SETTINGS_MODULE."""
