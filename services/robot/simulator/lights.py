"""LEDs: groups that fade from one colour to another."""

from __future__ import annotations

from dataclasses import dataclass

from services.robot.simulator.clock import Activity, Clock
from services.robot.simulator.joints import require_finite

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
_WHITE: Rgb = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class _Fade:
    start: Rgb
    end: Rgb
    begins: float
    ends: float

    def at(self, moment: float) -> Rgb:
        if moment >= self.ends:
            return self.end
        share = max(0.0, (moment - self.begins) / (self.ends - self.begins))
        red, green, blue = (a + share * (b - a) for a, b in zip(self.start, self.end, strict=True))
        return red, green, blue


class Lights:
    """The robot's LEDs. Not thread-safe: its owner serialises the calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fades = {name: _Fade(_WHITE, _WHITE, 0.0, 0.0) for name in LEDS}
        self._running: list[Activity] = []

    def fade_rgb(self, group: str, colour: str | int, seconds: float) -> Activity:
        """Fade a group to a colour, by name or as 0x00RRGGBB."""
        if isinstance(colour, str):
            if colour not in COLOURS:
                raise ValueError(f"{colour!r} is no colour; colours: {', '.join(COLOURS)}, or 0x00RRGGBB")
            colour = COLOURS[colour]
        if isinstance(colour, bool) or not isinstance(colour, int) or not 0 <= colour <= 0xFFFFFF:
            raise ValueError(f"a colour is a name or a whole number from 0 to 0xFFFFFF, not {colour!r}")
        rgb = ((colour >> 16 & 255) / 255, (colour >> 8 & 255) / 255, (colour & 255) / 255)
        return self._fade(dict.fromkeys(_leds(group), rgb), seconds)

    def fade(self, group: str, intensity: float, seconds: float) -> Activity:
        """Fade a group's brightness (0 to 1), keeping each LED's hue; dark LEDs come on white."""
        (level,) = require_finite([intensity], "the intensity")
        if not 0.0 <= level <= 1.0:
            raise ValueError(f"the intensity must be between 0 and 1, not {level:g}")
        now = self._clock.now()
        targets: dict[str, Rgb] = {}
        for name in _leds(group):
            red, green, blue = self._fades[name].at(now)
            brightest = max(red, green, blue)
            hue = (red / brightest, green / brightest, blue / brightest) if brightest > 0 else _WHITE
            targets[name] = (hue[0] * level, hue[1] * level, hue[2] * level)
        return self._fade(targets, seconds)

    def reset(self, group: str) -> Activity:
        return self._fade(dict.fromkeys(_leds(group), _WHITE), 0.0)

    def show(self, seconds: float) -> Activity:
        """Play a pattern that leaves the LEDs as they were."""
        return self._fade({}, seconds)

    def stop(self) -> None:
        """End the calls that wait for a fade or a pattern; the LEDs stay at their target."""
        running, self._running = self._running, []
        for activity in running:
            activity.stop()

    def colours(self) -> dict[str, str]:
        """Return the colour of every LED group as "#rrggbb"."""
        now = self._clock.now()
        return {
            name: "#" + "".join(f"{round(channel * 255):02x}" for channel in fade.at(now))
            for name, fade in self._fades.items()
        }

    def _fade(self, targets: dict[str, Rgb], seconds: float) -> Activity:
        (takes,) = require_finite([seconds], "the duration")
        if takes < 0:
            raise ValueError(f"the duration must not be negative: {takes:g} s")
        now = self._clock.now()
        for name, rgb in targets.items():
            self._fades[name] = _Fade(self._fades[name].at(now), rgb, now, now + takes)
        activity = Activity(self._clock, now + takes)
        self._running = [running for running in self._running if running.completed is None]
        self._running.append(activity)
        return activity


def _leds(group: str) -> tuple[str, ...]:
    if group not in GROUPS:
        raise ValueError(f"{group!r} is no group of LEDs; groups: {', '.join(GROUPS)}")
    return GROUPS[group]
