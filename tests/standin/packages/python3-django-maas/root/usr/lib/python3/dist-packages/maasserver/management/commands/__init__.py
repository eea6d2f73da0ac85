"""The commands behind `maas-region` (maas-region-run.md 3)."""
