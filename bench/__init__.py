"""PID 1 measured beside stock supervisord and s6: `make bench`."""
