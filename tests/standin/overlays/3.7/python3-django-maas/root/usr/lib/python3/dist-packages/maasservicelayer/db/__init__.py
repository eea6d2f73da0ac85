"""The database without Django."""
