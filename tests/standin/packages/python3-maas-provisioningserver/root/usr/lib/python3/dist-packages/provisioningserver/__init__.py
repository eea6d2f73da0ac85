"""What region and rack controllers share in MAAS; here: paths, locks, services, DNS files."""
