"""The skills, by theme. Importing this package registers them all."""

from services.training.dataset.skills import gestures, going, lights, looking, pointing, trips, turning, walking

__all__ = ["gestures", "going", "lights", "looking", "pointing", "trips", "turning", "walking"]
