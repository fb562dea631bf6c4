"""The skills, by theme. Importing this package registers them all."""

from services.training.dataset.skills import (
    gestures,
    lights,
    manners,
    reciting,
    shows,
    sound,
    speech,
    telling,
    voice,
    walking,
)

__all__ = [
    "gestures",
    "lights",
    "manners",
    "reciting",
    "shows",
    "sound",
    "speech",
    "telling",
    "voice",
    "walking",
]
