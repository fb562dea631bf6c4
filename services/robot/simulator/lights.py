"""LEDs: groups that fade from one colour to another."""

from __future__ import annotations

from collections.abc import Sequence

from services.robot.simulator.clock import Activity, Clock
from services.robot.simulator.joints import require_finite
from services.robot.simulator.track import Track

Rgb = tuple[float, float, float]

LEDS = (
    "LeftFaceLeds", "RightFaceLeds", "LeftEarLeds", "RightEarLeds", "ChestLeds", "BrainLeds", "LeftFootLeds",
    "RightFootLeds",
)  # fmt: skip
GROUPS: dict[str, tuple[str, ...]] = {
    "FaceLeds": ("LeftFaceLeds", "RightFaceLeds"),
    "EarLeds": ("LeftEarLeds", "RightEarLeds"),
    "FeetLeds": ("LeftFootLeds", "RightFootLeds"),
    "AllLeds": LEDS,
    **{name: (name,) for name in LEDS},
}
COLOURS = {
    "white": 0xFFFFFF,
    "red": 0xFF0000,
    "green": 0x00FF00,
    "blue": 0x0000FF,
    "yellow": 0xFFFF00,
    "magenta": 0xFF00FF,
    "cyan": 0x00FFFF,
}
RASTA = (0x00FF00, 0xFFFF00, 0xFF0000)
RANDOM = (0x3366FF, 0xFF9900, 0xCC33FF, 0x33CC66, 0xFF3366)  # chance is of no use to a simulation
BLINK_S = 0.3
MOST_BLINKS = 200
_WHITE: Rgb = (1.0, 1.0, 1.0)


def _mix(start: Rgb, end: Rgb, share: float) -> Rgb:
    return (
        start[0] + share * (end[0] - start[0]),
        start[1] + share * (end[1] - start[1]),
        start[2] + share * (end[2] - start[2]),
    )


class Lights:
    """The robot's LEDs. Not thread-safe: its owner serialises the calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tracks = {name: Track(_WHITE, _mix) for name in LEDS}
        self._running: list[Activity] = []

    def fade_rgb(self, group: str, colour: str | int, seconds: float) -> Activity:
        """Fade a group to a colour, by name or as 0x00RRGGBB."""
        if isinstance(colour, str):
            if colour not in COLOURS:
                raise ValueError(f"{colour!r} is no colour; colours: {', '.join(COLOURS)}, or 0x00RRGGBB")
            colour = COLOURS[colour]
        if isinstance(colour, bool) or not isinstance(colour, int) or not 0 <= colour <= 0xFFFFFF:
            raise ValueError(f"a colour is a name or a whole number from 0 to 0xFFFFFF, not {colour!r}")
        return self._fade(dict.fromkeys(_leds(group), _rgb(colour)), seconds)

    def fade(self, group: str, intensity: float, seconds: float) -> Activity:
        """Fade a group's brightness (0 to 1), keeping each LED's hue; dark LEDs come on white."""
        (level,) = require_finite([intensity], "the intensity")
        if not 0.0 <= level <= 1.0:
            raise ValueError(f"the intensity must be between 0 and 1, not {level:g}")
        now = self._clock.now()
        targets: dict[str, Rgb] = {}
        for name in _leds(group):
            red, green, blue = self._tracks[name].at(now)
            brightest = max(red, green, blue)
            hue = (red / brightest, green / brightest, blue / brightest) if brightest > 0 else _WHITE
            targets[name] = (hue[0] * level, hue[1] * level, hue[2] * level)
        return self._fade(targets, seconds)

    def reset(self, group: str) -> Activity:
        return self._fade(dict.fromkeys(_leds(group), _WHITE), 0.0)

    def show(self, seconds: float, colours: Sequence[int]) -> Activity:
        """Let the eyes pass through colours (0x00RRGGBB), one every ``BLINK_S``, and be as they were."""
        takes, now = _duration(seconds), self._clock.now()
        for name in GROUPS["FaceLeds"]:
            blinks = range(1, min(int(takes / BLINK_S), MOST_BLINKS))
            keys = [(now + BLINK_S * blink, _rgb(colours[blink % len(colours)])) for blink in blinks]
            self._tracks[name].go(now, [*keys, (now + takes, self._tracks[name].at(now))])
        return self._last(takes)

    def stop(self) -> None:
        """End the calls that wait for a fade or a pattern; the LEDs are at their target at once."""
        for track in self._tracks.values():
            track.finish(self._clock.now())
        running, self._running = self._running, []
        for activity in running:
            activity.stop()

    def colours(self) -> dict[str, str]:
        """Return the colour of every LED group as "#rrggbb"."""
        now = self._clock.now()
        return {name: f"#{self.colour(name, now):06x}" for name in LEDS}

    def colour(self, led: str, moment: float) -> int:
        """Return the colour of an LED group as 0x00RRGGBB."""
        red, green, blue = (round(channel * 255) for channel in self._tracks[led].at(moment))
        return red << 16 | green << 8 | blue

    def forget(self, before: float) -> None:
        """Drop what was before a moment."""
        for track in self._tracks.values():
            track.forget(before)

    def end(self) -> float:
        """Return the moment from which on no colour changes any more."""
        return max(track.end for track in self._tracks.values())

    def moments(self, since: float, until: float) -> set[float]:
        """Return the moments between the two at which a colour's course changes."""
        return {moment for track in self._tracks.values() for moment in track.moments(since, until)}

    def _fade(self, targets: dict[str, Rgb], seconds: float) -> Activity:
        takes, now = _duration(seconds), self._clock.now()
        for name, rgb in targets.items():
            self._tracks[name].go(now, [(now + takes, rgb)])
        return self._last(takes)

    def _last(self, seconds: float) -> Activity:
        activity = Activity(self._clock, self._clock.now() + seconds)
        self._running = [running for running in self._running if running.completed is None]
        self._running.append(activity)
        return activity


def _duration(seconds: float) -> float:
    (takes,) = require_finite([seconds], "the duration")
    if takes < 0:
        raise ValueError(f"the duration must not be negative: {takes:g} s")
    return takes


def _rgb(colour: int) -> Rgb:
    return ((colour >> 16 & 255) / 255, (colour >> 8 & 255) / 255, (colour & 255) / 255)


def _leds(group: str) -> tuple[str, ...]:
    if group not in GROUPS:
        raise ValueError(f"{group!r} is no group of LEDs; groups: {', '.join(GROUPS)}")
    return GROUPS[group]
