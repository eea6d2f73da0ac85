"""PID 1: stock supervisord, run in-process, with what a container needs added by a plugin."""
