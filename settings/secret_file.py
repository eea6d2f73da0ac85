"""Reads a secret from a file."""

from pathlib import Path

# Far more than any password: a wrong path, such as that of a device, must not fill the memory.
LONGEST_SECRET = 4096


def read_secret(path: Path) -> str:
    """Return what is in a file, without its line end.

    Raises ValueError, whose text completes the sentence "NAME …" and never holds the secret.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_SECRET + 1)
        text = content.decode().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot be read from {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"cannot be read from {path}: it is not text") from None
    if len(content) > LONGEST_SECRET:
        raise ValueError(f"is longer than {LONGEST_SECRET} bytes in {path}")
    if not text:
        raise ValueError(f"is empty in {path}")
    return text
