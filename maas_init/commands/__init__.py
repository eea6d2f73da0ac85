"""One module for each of the operator's commands."""
