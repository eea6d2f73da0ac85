"""What others have written, MAAS, init and PID 1, may be of any shape and hold anything."""

# What is raised by reading JSON, or XML-RPC, that is none, of another shape, or too deep.
WRONG_SHAPE = (
    *(ValueError, TypeError, AttributeError, LookupError),
    *(ArithmeticError, RecursionError),  # a number without end; what nobody has written by hand
)


def text(value: object) -> str:
    """Return text that can be written as UTF-8: names of files and variables may be any bytes."""
    return str(value).encode(errors="backslashreplace").decode()
