"""A value over time, its past kept so that what the robot did can be told afterwards."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

V = TypeVar("V")
Key = tuple[float, V]

KEPT_KEYS = 2000  # of the past: a bound on memory that a behaviour seldom meets and nothing but its picture needs


class Track(Generic[V]):
    """A value that passes from key to key in straight lines; keys are (moment in simulated seconds, value)."""

    def __init__(self, value: V, mix: Callable[[V, V, float], V]) -> None:
        self._keys: list[Key[V]] = [(0.0, value)]
        self._mix = mix

    def at(self, moment: float) -> V:
        """Return the value at a moment; before the first key and after the last it stays as it is there."""
        index = bisect_right(self._keys, moment, key=_moment)
        if index == 0:
            return self._keys[0][1]
        if index == len(self._keys):
            return self._keys[-1][1]
        (t0, v0), (t1, v1) = self._keys[index - 1], self._keys[index]
        return self._mix(v0, v1, (moment - t0) / (t1 - t0))

    @property
    def end(self) -> float:
        """The moment of the last key: from then on nothing changes."""
        return self._keys[-1][0]

    def go(self, now: float, keys: Iterable[Key[V]]) -> None:
        """Pass along ``keys``, moments rising from ``now`` on; what was to come until now is dropped."""
        self._keys = [*self._past(now), (now, self.at(now)), *keys]

    def hold(self, now: float) -> None:
        """Stay at the present value."""
        if self.end > now:
            self.go(now, ())

    def finish(self, now: float) -> None:
        """Be at the last key's value at once."""
        if self.end > now:
            self.put(now, self._keys[-1][1])

    def put(self, now: float, value: V) -> None:
        """Be at a value at once."""
        self._keys = [*self._past(now), (now, self.at(now)), (now, value)]

    def forget(self, before: float) -> None:
        """Drop the past before a moment."""
        value = self.at(before)
        self._keys = [(before, value), *self._keys[bisect_right(self._keys, before, key=_moment) :]]

    def moments(self, since: float, until: float) -> list[float]:
        """Return the moments within (``since``, ``until``) at which the value turns."""
        keys = self._keys[bisect_right(self._keys, since, key=_moment) : bisect_left(self._keys, until, key=_moment)]
        return [moment for moment, _ in keys]

    def _past(self, now: float) -> list[Key[V]]:
        return self._keys[: bisect_left(self._keys, now, key=_moment)][-KEPT_KEYS:]


def _moment(key: Key[V]) -> float:
    return key[0]


def linear(start: float, end: float, share: float) -> float:
    """Return the number at a share (0 to 1) of the way from one to another."""
    return start + (end - start) * share
