"""Looks at the whole from outside: a verdict for Docker, metrics for Prometheus."""
