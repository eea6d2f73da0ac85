"""Nothing but the migrations of MAAS's metadata application."""
