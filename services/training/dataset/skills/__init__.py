"""The skills, by theme. Importing this package registers them all."""

from services.training.dataset.skills import gestures, lights, walking

__all__ = ["gestures", "lights", "walking"]
