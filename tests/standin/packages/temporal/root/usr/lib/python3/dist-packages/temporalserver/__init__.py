"""A Temporal server that is there, is registered and answers, but runs no workflow."""
