"""Lights: the colours to which calls lead, and how near a colour is to the name of one."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Sequence

from services.robot.simulator.lights import LEDS
from services.training.judging.predicates import Lights
from services.training.judging.sight import Event, Sight, Trace, came
from services.training.judging.timeline import Rgb

_GROUPS: dict[str, tuple[str, ...]] = {
    "eyes": ("LeftFaceLeds", "RightFaceLeds"),
    "ears": ("LeftEarLeds", "RightEarLeds"),
    "chest": ("ChestLeds",),
    "feet": ("LeftFootLeds", "RightFootLeds"),
    "brain": ("BrainLeds",),
}
_DARK = 0.08  # a light that is dimmer is off
_PALE = 0.25  # a colour that is paler is white
# Hue in degrees, and how far from it a colour may be to go by the name still. Names overlap, as people's do.
_HUES = {
    "red": (0.0, 18.0),
    "orange": (30.0, 15.0),
    "yellow": (56.0, 14.0),
    "green": (120.0, 40.0),
    "cyan": (185.0, 25.0),
    "blue": (232.0, 28.0),
    "purple": (282.0, 24.0),
    "magenta": (302.0, 24.0),
    "pink": (328.0, 30.0),
}
_PALE_PINK = 0.1  # pink is a pale colour itself
_MOST_SHOWN = 6


def lights(value: Lights, trace: Trace) -> Sight:
    """All LEDs of a group have a colour to which a call led; for "any", a call has changed their colour.

    It comes about each time that they change to the colour, and when the first call leaves them in it.
    """
    groups = [_GROUPS[value.group]] if value.group != "any" else [(led,) for led in LEDS]
    found = [_changes(leds, value.colour, trace) for leds in groups]
    events: Counter[Event] = Counter()
    for one in found:
        events |= Counter(one)  # lights that change together change once
    return came(events.elements(), f"{value.group}: {_shown(groups, trace)}, not {value.colour}")


def is_called(colour: Rgb, name: str) -> bool:
    """Whether a colour (0 to 255 each) goes by a name, or is "on" or "off"."""
    hue, saturation, bright = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))
    if name in ("on", "off"):
        return (bright >= _DARK) == (name == "on")
    if bright < _DARK:
        return False
    if name == "white":
        return saturation < _PALE
    centre, reach = _HUES[name]
    away = abs((hue * 360.0 - centre + 180.0) % 360.0 - 180.0)
    return saturation >= (_PALE_PINK if name == "pink" else _PALE) and away <= reach


def _changes(leds: Sequence[str], name: str, trace: Trace) -> list[Event]:
    """When LEDs change to a colour."""
    colours = [trace.timeline.dark[led] for led in leds]
    was, events = False, list[Event]()
    for shine in trace.timeline.shines:
        before, colours = colours, [shine.colours.get(led, old) for led, old in zip(leds, colours, strict=True)]
        if name == "any":
            if colours != before and Event(shine.call) not in events:
                events.append(Event(shine.call))
        elif any(led in shine.colours for led in leds):
            now = all(is_called(colour, name) for colour in colours)
            if now and not was:
                events.append(Event(shine.call, shine.at))
            was = now
    return events


def _shown(groups: Sequence[Sequence[str]], trace: Trace) -> str:
    """The colours to which calls led the LEDs, for findings."""
    leds = {led for group in groups for led in group}
    shown = (colour for shine in trace.timeline.shines for led, colour in shine.colours.items() if led in leds)
    told = list(dict.fromkeys("#{:02x}{:02x}{:02x}".format(*colour) for colour in shown))
    return ", ".join(told[:_MOST_SHOWN]) or "no call changes these lights"
