"""The skills, by theme. Importing this package registers them all."""

from services.training.dataset.skills import answers, conditions, gestures, hints, lights, refusals, senses, walking

__all__ = ["answers", "conditions", "gestures", "hints", "lights", "refusals", "senses", "walking"]
