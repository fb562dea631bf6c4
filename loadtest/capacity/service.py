"""One engine as a queue sees it: how many orders a second it serves with so many of them there, and what they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtest.capacity.observed import first_action_s, served
from loadtest.comparison.measured import Floats, Measured
from loadtest.comparison.verdicts import LEAST_CHANGE

#: Throughput that grows by less from the level at which all places are taken grows only since no place stands idle any
#: more between an answer and the next order, which has the queue to pass.
_SAME_RATE = 0.25
#: An order's time after its first action that grows by less, of all of its time, grows only by chance.
_SAME_TIME = 0.1


@dataclass(frozen=True)
class Level:
    """An engine in a closed loop without think time, with always as many orders there."""

    at_once: int
    #: Orders that had an answer, and those that had none.
    answered: int
    lost: int
    #: Answers a second.
    rate: float
    #: Seconds of each order to its first action, and from there to its end.
    first_s: Floats
    rest_s: Floats

    @property
    def e2e_s(self) -> float:
        """Seconds of an order, on average."""
        return float(self.first_s.mean() + self.rest_s.mean())

    @property
    def first_share(self) -> float:
        """Share of an order's time that is over when the robot can act, on average."""
        return float(self.first_s.mean()) / self.e2e_s


@dataclass(frozen=True)
class Service:
    """What the model knows of an engine."""

    #: Answers a second with 1, 2, 3 … orders there; with more than the last number as with the last.
    rates: Floats
    #: Share of an order's time in service that is over at its first action, with as many there.
    first_share: Floats
    #: Orders that are served at a time; others wait for one of these to end, the first come first.
    slots: int
    #: Work of orders to their first action and from there to their end, over its average: pairs that were measured.
    demands: Floats
    #: Whether throughput may grow beyond the highest level: then the engine can do more than the model knows.
    grows: bool = False

    @property
    def most(self) -> float:
        """The most answers a second."""
        return float(self.rates.max())

    def paces_s(self, present: int) -> tuple[float, float]:
        """Seconds that average work takes to the first action, and from there, in service with so many orders there."""
        place = min(present, len(self.rates)) - 1
        in_service = min(self.slots, present)
        whole_s = in_service / float(self.rates[place])
        first_s = whole_s * float(self.first_share[place])
        return first_s, whole_s - first_s


def level(turn: Measured) -> Level:
    """A level from its turn. Raises ValueError if no order of it was answered.

    The rate is Little's law: as many orders as there are robots were always there, so that as many seconds of orders
    passed each second. Counting answers would come to the same, but for the answers at both ends of a short turn.
    """
    answered = [one for one in turn.sent if served(one)]
    if not answered:
        raise ValueError(f"at {turn.turn.level:g} at once no order that was sent in the time that counts was answered")
    first_s = np.array([first_action_s(one) for one in answered])
    return Level(
        at_once=int(turn.turn.level),
        answered=len(answered),
        lost=len(turn.sent) - len(answered),
        rate=turn.turn.level * len(answered) / sum(one.e2e_s for one in turn.sent),
        first_s=first_s,
        rest_s=np.array([one.e2e_s for one in answered]) - first_s,
    )


def service_of(levels: Sequence[Level]) -> Service:
    """What a model needs, from levels in rising order. Between two levels a straight line is drawn."""
    slots = _slots(levels)
    full = [one for one in levels if one.at_once <= slots]
    counts = np.arange(1, levels[-1].at_once + 1)
    rates = np.interp(counts, [0, *(one.at_once for one in levels)], [0.0, *(one.rate for one in levels)])
    share = np.interp(counts, [one.at_once for one in full], [one.first_share for one in full])
    pairs = [(_over_average(one.first_s), _over_average(one.rest_s)) for one in full]
    demands = np.column_stack([np.concatenate(parts) for parts in zip(*pairs, strict=True)])
    all_served = slots == levels[-1].at_once
    grows = all_served and (len(levels) == 1 or levels[-1].rate > (1 + LEAST_CHANGE) * levels[-2].rate)
    return Service(rates, share, slots, demands, grows)


def _slots(levels: Sequence[Level]) -> int:
    """Places at the engine: the lowest level from which neither throughput grows nor the time after the first action.

    An engine that takes more at once and is merely slower then lets orders take longer after their first action, too;
    one that has no place for them lets them wait before it. The highest level, if none is like that.
    """
    return next(one.at_once for index, one in enumerate(levels) if not _grows(one, levels[index + 1 :]))


def _grows(one: Level, higher: Sequence[Level]) -> bool:
    return any(
        other.rate > (1 + _SAME_RATE) * one.rate or other.rest_s.mean() > one.rest_s.mean() + _SAME_TIME * one.e2e_s
        for other in higher
    )


def _over_average(values: Floats) -> Floats:
    average = values.mean()
    return values / average if average > 0 else np.ones(len(values))
