"""Tells what the simulated robot did since a moment, from the past that its parts keep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from services.picture.recording import (
    MAX_MOMENTS,
    MAX_SENTENCE_CHARACTERS,
    MAX_SENTENCES,
    Fallen,
    Recording,
    Spoken,
    column,
    columns,
)
from services.robot.simulator.lights import LEDS

if TYPE_CHECKING:
    from services.robot.simulator.nao import Nao


AHEAD_S = 10.0
"""How far a motion that is under way is told beyond now: calls that do not block leave one."""


def record(nao: Nao, since: float) -> Recording:
    """Return the recording from ``since`` (simulated seconds) on, with what is still under way.

    Its place and time begin at zero.
    """
    now, body = nao.clock.now(), nao.motion.body
    end = max(now, min(body.end(), now + AHEAD_S), min(nao.lights.end(), now + AHEAD_S))
    turns = body.moments(since, end) | nao.lights.moments(since, end)
    moments = _thinned(sorted({since, *turns, end}))
    stances = [body.stance(moment) for moment in moments]
    start = stances[0].pose
    places = [start.seen(stance.pose) for stance in stances]
    fall = nao.motion.last_fall
    return Recording(
        robot="nao",
        moments=[_ms(moment - since) for moment in moments],
        joints=columns([stance.angles for stance in stances]),
        on_feet=column([stance.on_feet for stance in stances]),
        lean=column([stance.lean for stance in stances]),
        x=column([place.x for place in places]),
        y=column([place.y for place in places]),
        theta=column(_unwound([place.theta for place in places])),
        steps=column([stance.steps - stances[0].steps for stance in stances]),
        leds=columns([{led: nao.lights.colour(led, moment) for led in LEDS} for moment in moments], 1.0),
        spoken=[
            Spoken(begins=_ms(begins - since), ends=_ms(ends - since), text=text[:MAX_SENTENCE_CHARACTERS])
            for begins, ends, text in nao.voice.spoken(since)[-MAX_SENTENCES:]
        ],
        fallen=Fallen(at=_ms(fall.at - since), why=fall.why) if fall is not None and fall.at >= since else None,
    )


def _thinned(moments: list[float]) -> list[float]:
    """At most ``MAX_MOMENTS`` of them, the first and the last among them, further apart than a millisecond."""
    apart = [moments[0]]
    for moment in moments[1:]:
        if _ms(moment - moments[0]) > _ms(apart[-1] - moments[0]):
            apart.append(moment)
    every = math.ceil(len(apart) / (MAX_MOMENTS - 1))
    thinned = apart[::every]
    return thinned if thinned[-1] == apart[-1] else [*thinned, apart[-1]]


def _unwound(headings: list[float]) -> list[float]:
    """Headings without the jump at half a turn."""
    unwound = headings[:1]
    for heading in headings[1:]:
        unwound.append(unwound[-1] + math.remainder(heading - unwound[-1], 2 * math.pi))
    return unwound


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
