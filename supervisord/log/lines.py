"""Cuts what a program writes into lines."""

LONGEST_BYTES = 16 * 1024


class LineSplitter:
    """Takes the bytes of one stream as they come, and gives them back as whole lines.

    Of a line of more than 16 KiB the rest is left out, and the line says so.
    """

    def __init__(self) -> None:
        self._begun = b""  # of a line whose end has not come yet, at most the longest
        self._left_out = 0  # bytes of that line beyond

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that these bytes complete, without their ends."""
        *complete, rest = data.split(b"\n")
        if complete:
            self._begin(complete[0])
            complete[0] = self.end()
            if len(max(complete, key=len)) > LONGEST_BYTES:
                complete[1:] = [_cut(line) for line in complete[1:]]
        self._begin(rest)
        return complete

    def rest(self) -> list[bytes]:
        """Return what was written without an end of line, when nothing more comes."""
        return [self.end()] if self._begun else []

    def end(self) -> bytes:
        """Return the line that was begun, and begin anew."""
        line = self._begun
        if self._left_out:
            line += b" [cut: %d bytes more]" % self._left_out
        self._begun, self._left_out = b"", 0
        return line

    def _begin(self, data: bytes) -> None:
        line = self._begun + data
        self._begun = line[:LONGEST_BYTES]
        self._left_out += max(len(line) - LONGEST_BYTES, 0)


def _cut(line: bytes) -> bytes:
    splitter = LineSplitter()
    splitter._begin(line)
    return splitter.end()
