"""MAAS's Django application: database, commands, region controller."""
