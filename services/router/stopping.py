"""The server's stop, for requests that wait: their waiting ends in time for the client to be told what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, TypeVar

from gevent import getcurrent

Item = TypeVar("Item")

#: How long after SIGTERM a backend may still answer; the process looks each second whether all is done, and is killed
#: after 3 s.
LAST_ANSWERS_S = 1.5


class ServerStops(Exception):
    """The server stops before what a request waits for has come; the message is a sentence for people."""

    def __init__(self) -> None:
        super().__init__("The router stops before the answer is complete; send the request again.")


class StopWatch:
    """Raises ServerStops in what waits within its ``with`` block when the server stops; not to be nested in itself."""

    def __init__(self, patience_s: float = 0.0) -> None:
        """The wait may go on for ``patience_s`` seconds after the stop has begun."""
        self.patience_s = patience_s

    def __enter__(self) -> None:
        _waits[self] = getcurrent()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        del _waits[self]


#: Who waits, in which greenlet.
_waits: dict[StopWatch, Any] = {}


def until_stop(items: Iterator[Item]) -> Iterator[Item]:
    """The items as they come. Raises ServerStops as soon as the server stops."""
    watch = StopWatch()
    while True:
        with watch:
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def end_waits(stopping_s: float) -> None:
    """End the waits whose patience is over ``stopping_s`` seconds after the stop began; call it in gevent's hub."""
    for watch, greenlet in list(_waits.items()):
        if watch in _waits and stopping_s >= watch.patience_s:
            greenlet.throw(ServerStops())
