"""The picture of what a simulated robot did."""

from __future__ import annotations

from collections.abc import Callable

from services.picture.balloon import FONT, balloon, height_of
from services.picture.film import MOST_FRAMES, Film, film, last_shot
from services.picture.plan import Plan
from services.picture.recording import Recording
from services.picture.stage import HEIGHT, UNITS, WIDTH, Stage
from services.picture.svg import Clip, element, text_of

CONTENT_TYPE = "image/svg+xml; charset=utf-8"
MAX_BYTES = 300_000
_LEAST_SPOKEN_S = 1.6  # a balloon is there for long enough to be read
_LETTERS, _GAP = 15 * UNITS, 14 * UNITS
_BAR_Y = HEIGHT - 16 * UNITS


def draw(recording: Recording, *, still: bool = False, pause: Callable[[], None] = lambda: None) -> str:
    """Return an SVG of a behaviour: moving, over and over, or its last moment. It has ``MAX_BYTES`` at most.

    ``pause`` is called every few milliseconds of work, so that others may work too.
    """
    if still:
        return _drawn(recording, Film([last_shot(recording)], 1.0), None, pause)
    most = MOST_FRAMES
    while True:
        played = film(recording, most=most, pause=pause)
        clip = Clip([shot.time for shot in played.shots], played.lasts)
        drawn = _drawn(recording, played, clip, pause)
        if len(drawn.encode()) <= MAX_BYTES:
            return drawn
        most //= 2


def _drawn(recording: Recording, played: Film, clip: Clip | None, pause: Callable[[], None]) -> str:
    shots = played.shots
    room = max((height_of(spoken.text, _LETTERS) + 2 * _GAP for spoken in recording.spoken), default=0.0)
    stage = Stage(shots, room_above=room, pause=pause)
    plan = Plan(recording, shots)
    width = WIDTH + (plan.width if plan.needed else 0)
    drawn = [
        element(
            "rect", width=width, height=HEIGHT, rx=14 * UNITS, fill="#f8fafc", stroke="#d5dde6", stroke_width=UNITS
        ),
        stage.draw(clip),
        plan.draw(clip, WIDTH, HEIGHT) if plan.needed else "",
        _balloons(recording, stage, played, clip),
        _foot(recording, played, clip, width),
    ]
    head = element("title", "What the simulated NAO did") + element("desc", text_of(_told(recording)))
    return element(
        "svg",
        head + "".join(drawn),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {HEIGHT}",
        width=width // UNITS,
        height=HEIGHT // UNITS,
        role="img",
    )


def _balloons(recording: Recording, stage: Stage, played: Film, clip: Clip | None) -> str:
    """What it says while it says it; in a still picture what it said last."""
    drawn = []
    times = [shot.time for shot in played.shots]
    for number, spoken in enumerate(recording.spoken):
        begins, ends = spoken.begins / 1000 / played.speed, spoken.ends / 1000 / played.speed
        following = [later.begins / 1000 / played.speed for later in recording.spoken[number + 1 :][:1]]
        ends = min(max(ends, begins + _LEAST_SPOKEN_S), *following, played.lasts)
        if clip is None:
            if number + 1 == len(recording.spoken):
                drawn.append(_balloon(spoken.text, stage, 0))
            continue
        index = min(range(len(times)), key=lambda frame: abs(times[frame] - begins))
        shown = Clip([0.0, max(begins, 0.001), ends], clip.lasts)
        moving = shown.animate("visibility", ["hidden", "visible", "hidden"], jumps=True)
        drawn.append(element("g", moving + _balloon(spoken.text, stage, index), visibility="hidden"))
    return "".join(drawn)


def _balloon(words: str, stage: Stage, index: int) -> str:
    x, y = stage.head(index)
    bottom = max(stage.top(index) - _GAP, height_of(words, _LETTERS) + _GAP)
    tip = (x + 12 * UNITS, max(y - 3 * UNITS, bottom + _GAP / 2))
    return balloon(words, tip, size=_LETTERS, bottom=bottom, left=24 * UNITS, right=WIDTH - 24 * UNITS)


def _foot(recording: Recording, played: Film, clip: Clip | None, width: int) -> str:
    """How long it took, how far the film is, and whether it fell."""
    left, right = 24 * UNITS, width - 24 * UNITS
    label = f"{recording.seconds:.1f} s" + (f", played {played.speed:.1f} times as fast" if played.speed > 1.0 else "")
    style = {"font_size": 12 * UNITS, "font_family": FONT}
    drawn = [element("text", label, x=right, y=_BAR_Y - 9 * UNITS, text_anchor="end", fill="#66758a", **style)]
    if recording.fallen is not None:
        words = f"fell after {recording.fallen.at / 1000:.1f} s"
        drawn.append(element("text", words, x=left, y=_BAR_Y - 9 * UNITS, fill="#c2331b", font_weight="bold", **style))
    if clip is not None:
        track = {"x": left, "y": _BAR_Y, "height": 4 * UNITS, "rx": 2 * UNITS}
        drawn.append(element("rect", **track, width=right - left, fill="#dde4ec"))
        bar = Clip([0.0, played.shots[-1].time], clip.lasts).animate("width", ["0", str(right - left)])
        drawn.append(element("rect", bar, **track, width=right - left, fill="#6f8fb4"))
    return "".join(drawn)


def _told(recording: Recording) -> str:
    """The picture in words."""
    end = recording.at(recording.seconds)
    told = [f"It took {recording.seconds:.1f} s."]
    told += [f"It said: {spoken.text}" for spoken in recording.spoken]
    if abs(end.x) + abs(end.y) > 0.02 or abs(end.theta) > 0.05:
        told.append(f"It ended {end.x:.2f} m ahead and {end.y:.2f} m to the left, turned by {end.theta:.2f} rad.")
    if recording.fallen is not None:
        told.append(f"It fell after {recording.fallen.at / 1000:.1f} s, because {recording.fallen.why}.")
    return " ".join(told)
