"""Prepares volumes and database for MAAS, and carries out what an operator asks of them."""
