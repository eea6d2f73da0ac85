"""regiond: a parent that configures and asks for services, and workers that answer HTTP."""
