"""MAAS's second web server, on a unix socket of its own."""
