"""Finished answers, kept for equal requests that come later."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.backends.base import Delta, Finish

#: The backend's name, and a hash of what its request says.
Key = tuple[str, bytes]
Piece = Delta | Finish


class _Kept(NamedTuple):
    pieces: tuple[Piece, ...]
    size: int
    since: float


class KeptAnswers:
    """Answers that ended by themselves, bounded in number, bytes and age; the least recently used goes first."""

    def __init__(
        self, most: int, most_bytes: int, most_age_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep nothing yet.

        Args:
            most: answers kept at once; 0: none.
            most_bytes: memory that they may take up together.
            most_age_s: seconds after which one is not used any more, however often it was.
            clock: seconds, for tests.
        """
        self.most = most
        self._most_bytes = most_bytes
        self._most_age_s = most_age_s
        self._clock = clock
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> tuple[Piece, ...] | None:
        """The answer's pieces as they came, or None."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if self._clock() - kept.since > self._most_age_s:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.pieces

    def put(self, key: Key, pieces: Sequence[Piece]) -> None:
        """Keep an answer, unless it was cut off or is larger than all may be."""
        finish = pieces[-1] if pieces else None
        if not self.most or not isinstance(finish, Finish) or finish.reason != "stop":
            return
        size = sum(map(_size, pieces))
        if size > self._most_bytes:
            return
        if key in self._kept:
            self._drop(key)
        self._kept[key] = _Kept(tuple(pieces), size, self._clock())
        self._bytes += size
        while len(self._kept) > self.most or self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        self._bytes -= self._kept.pop(key).size


def _size(piece: Piece) -> int:
    """Bytes of memory."""
    return sys.getsizeof(piece) + sys.getsizeof(piece.text if isinstance(piece, Delta) else piece.model)
