"""The container's log: what programs write, line by line, to standard output and to files."""
