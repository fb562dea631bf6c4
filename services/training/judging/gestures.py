"""Gestures: by an animation of that meaning, or by joints that the program itself moves to and fro."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from services.robot.simulator.anatomy import CHAINS
from services.training.judging.joints import elevation
from services.training.judging.sight import Event, Sight, Trace, came
from services.training.judging.timeline import Call, Timeline

#: The family of the animation that expresses a gesture; tags are played as animations too.
ANIMATIONS = {
    "wave": "Hey",
    "nod": "Yes",
    "shake_head": "No",
    "bow": "BowShort",
    "applaud": "Applause",
    "shrug": "IDontKnow",
    "think": "Thinking",
    "happy": "Happy",
    "sad": "Sad",
    "excited": "Enthusiastic",
    "calm": "CalmDown",
    "point_self": "Me",
    "point_you": "You",
    "explain": "Explain",
    "give": "Give",
}
_SWINGS = {"nod": ("HeadPitch", 0.14), "shake_head": ("HeadYaw", 0.21)}  # 8 and 12 degrees
_WAVING_RAD = 0.14
_WAVING_DEG = 30.0
_WAVES = 2
_DANCE = 4
_ALIKE_RAD = 0.17  # angles in the same bin of ten degrees are the same motion

Swing = tuple[Call, int, int]
"""A motion in one direction: the call that sent the joint so far, and the moments at its beginning and its end."""


def gesture(value: str, trace: Trace) -> Sight:
    """An animation, or each time that joints go to and fro; a dance is made of different motions."""
    timeline = trace.timeline
    if value == "dance":
        return _dance(timeline)
    played = _animations(timeline)
    events = [Event(call) for call, family in played if family == ANIMATIONS[value]]
    if value in _SWINGS:
        joint, least = _SWINGS[value]
        events += [event for run in _runs(timeline, joint, least) for event in _to_and_fro(timeline, run)]
    elif value == "wave":
        events += [event for side in "LR" for event in _waves(timeline, side)]
    families = ", ".join(dict.fromkeys(family for _, family in played))
    return came(events, f"no {value} among the animations ({families or 'none'}) and the motions of the joints")


def _animations(timeline: Timeline) -> list[tuple[int, str]]:
    """Each animation that is played: the call, and its family, such as Hey."""
    return [
        (call.number, path.rsplit("/", 1)[-1].rsplit("_", 1)[0]) for call in timeline.calls for path in call.animations
    ]


def _runs(timeline: Timeline, joint: str, least: float) -> Iterator[list[Swing]]:
    """The swings of at least so many radians that calls to the joint itself make without anything else in between."""
    run: list[Call] = []
    for call in timeline.calls:
        if joint not in call.moved:
            continue
        if call.drives_joints:
            run.append(call)
        elif run:
            yield _swings(timeline, joint, run, least, timeline.index(call.begins))
            run = []
    if run:
        yield _swings(timeline, joint, run, least, timeline.last)


def _swings(timeline: Timeline, joint: str, run: Sequence[Call], least: float, until: int) -> list[Swing]:
    start = timeline.index(run[0].begins)
    pivots = [start + i for i in turning_points(timeline.joints[joint][start : until + 1], least)]
    return [(_caller(timeline, run, end), begin, end) for begin, end in itertools.pairwise(pivots)]


def turning_points(values: Sequence[float], least: float) -> list[int]:
    """Return where a course begins, turns and ends, without what goes to and fro by less than ``least``."""
    low = high = extreme = 0
    direction, pivots = 0, list[int]()
    for i, value in enumerate(values):
        if direction == 0:
            low, high = (i if value < values[low] else low), (i if value > values[high] else high)
            if values[high] - values[low] >= least:
                direction = 1 if high > low else -1
                pivots, extreme = [min(low, high)], i
        elif (value - values[extreme]) * direction >= 0.0:
            extreme = i
        elif (values[extreme] - value) * direction >= least:
            pivots.append(extreme)
            extreme, direction = i, -direction
    return [*pivots, extreme] if pivots else []


def _caller(timeline: Timeline, run: Sequence[Call], end: int) -> Call:
    """The last of the calls that had begun before a moment."""
    return next((call for call in reversed(run) if timeline.index(call.begins) < end), run[0])


def _to_and_fro(timeline: Timeline, swings: Sequence[Swing]) -> list[Event]:
    """When the joint goes forth, of those times that it comes back."""
    return [
        Event(call.number, timeline.moments[begin])
        for (call, begin, _), _ in zip(swings[::2], swings[1::2], strict=False)
    ]


def _waves(timeline: Timeline, side: str) -> list[Event]:
    """A raised arm whose elbow, wrist or roll of the shoulder goes to and fro, at least twice."""
    pitch, roll = (timeline.joints[f"{side}Shoulder{part}"] for part in ("Pitch", "Roll"))

    def raised(i: int) -> bool:
        return elevation(pitch[i], roll[i]) > _WAVING_DEG

    for joint in ("ElbowRoll", "ElbowYaw", "WristYaw", "ShoulderRoll"):
        for run in _runs(timeline, side + joint, _WAVING_RAD):
            waving = [swing for swing in run if raised(swing[1]) or raised(swing[2])]
            if len(events := _to_and_fro(timeline, waving)) >= _WAVES:
                return events
    return []


def _dance(timeline: Timeline) -> Sight:
    """Different animations, walks, postures, and positions of head, arms and legs."""
    motions: dict[object, int] = {}
    for call in timeline.calls:
        for path in call.animations:
            motions.setdefault(path, call.number)
        if call.effect == "walk" or call.takes_posture:
            motions.setdefault((call.name, *call.args), call.number)
    for part in ("Head", "Arms", "Legs"):
        positions = [_positions(timeline, joint) for joint in CHAINS[part]]
        most = max(positions, key=len)
        motions.update({(part, angle): number for angle, number in most.items()})
    seen = f"{len(motions)} different motions, a dance has {_DANCE}"
    return came([Event(min(motions.values()))] if len(motions) >= _DANCE else [], seen)


def _positions(timeline: Timeline, joint: str) -> dict[int, int]:
    """The different angles to which calls to the joint itself send it, in tens of degrees, with the first call each."""
    found: dict[int, int] = {}
    for run in _runs(timeline, joint, _WAVING_RAD):
        for call, _, end in run:
            found.setdefault(round(timeline.joints[joint][end] / _ALIKE_RAD), call.number)
    return found
