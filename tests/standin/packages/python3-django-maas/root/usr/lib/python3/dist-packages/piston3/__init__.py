"""OAuth consumers and tokens (maas-operate.md 2)."""
