"""Reading the ``data:`` lines of a Server-Sent Events stream."""

from __future__ import annotations

MAX_LINE_BYTES = 1024 * 1024


class LineTooLong(ValueError):
    """The stream holds a line longer than ``MAX_LINE_BYTES``."""


class DataLines:
    """Turns a stream's bytes, cut anywhere, into the payloads of its ``data:`` lines.

    LLM servers put one JSON document on one line, so a payload is a line, not a blank-line-delimited event: this also
    reads the servers that leave out the blank line, or the last newline. Comments and other fields are skipped.
    Bytes are decoded only as whole lines, so a character that is cut in two does no harm.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the payloads that ``chunk`` completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise LineTooLong(f"a line of the stream is longer than {MAX_LINE_BYTES} bytes")
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]

    def close(self) -> list[bytes]:
        """Return the payload of a last line that no newline ended."""
        return self.feed(b"\n")
