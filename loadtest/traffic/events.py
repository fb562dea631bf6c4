"""Server-Sent Events out of the bytes of a stream, as they arrive."""

from __future__ import annotations

from typing import NamedTuple

#: An event longer than this is no answer of ours; a stream without line ends must not fill the memory.
MAX_EVENT_BYTES = 4 * 1024 * 1024


class Event(NamedTuple):
    """One event: ``data`` is one text, its lines joined; ``name`` and ``id`` are empty where the server gives none."""

    data: str
    name: str = ""
    id: str = ""


class EventReader:
    """Cuts a stream into events; what belongs to one that is not complete yet is kept for the next bytes."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, str] = {}
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that the chunk completes. Raises ValueError for one that is too long."""
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_EVENT_BYTES or sum(map(len, self._data)) > MAX_EVENT_BYTES:
            raise ValueError(f"an event of the stream is longer than {MAX_EVENT_BYTES} bytes")
        return [event for line in lines if (event := self._take(line.rstrip(b"\r"))) is not None]

    def _take(self, line: bytes) -> Event | None:
        if line:
            name, _, value = line.decode("utf-8", errors="replace").partition(":")  # a comment has no name
            value = value.removeprefix(" ")
            if name == "data":
                self._data.append(value)
            else:
                self._fields[name] = value
            return None
        data, self._data = self._data, []
        fields, self._fields = self._fields, {}
        return Event("\n".join(data), fields.get("event", ""), fields.get("id", "")) if data else None
