"""The skills, by theme. Importing this package registers them all."""

from services.training.dataset.skills import (
    acts,
    arms,
    gestures,
    hands,
    head,
    lights,
    postures,
    shows,
    single_joints,
    walking,
)

__all__ = ["acts", "arms", "gestures", "hands", "head", "lights", "postures", "shows", "single_joints", "walking"]
