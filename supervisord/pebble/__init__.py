"""The subset of Canonical's Pebble API that MAAS's service monitor uses.

https://documentation.ubuntu.com/pebble/reference/api/ and facts/maas-region-run.md 1.1.
"""
