"""The animations that the simulated robot has installed: how long each lasts and what the joints do meanwhile."""

from __future__ import annotations

# Name, how many of it there are, and the seconds that the first lasts; each further one is a little longer.
_FAMILIES = (
    ("Gestures/Hey", 7, 3.0),
    ("Gestures/Yes", 3, 2.0),
    ("Gestures/No", 9, 2.2),
    ("Gestures/BowShort", 1, 2.8),
    ("Gestures/Applause", 1, 3.5),
    ("Gestures/Enthusiastic", 5, 2.6),
    ("Gestures/Explain", 11, 3.0),
    ("Gestures/Me", 7, 1.8),
    ("Gestures/You", 5, 1.8),
    ("Gestures/IDontKnow", 6, 2.4),
    ("Gestures/CalmDown", 6, 2.8),
    ("Gestures/Thinking", 8, 4.0),
    ("Gestures/ShowSky", 12, 3.0),
    ("Gestures/Salute", 3, 3.4),
    ("Gestures/Give", 6, 2.6),
    ("Emotions/Positive/Happy", 4, 3.2),
    ("Emotions/Negative/Sad", 2, 4.2),
    ("Emotions/Neutral/Embarrassed", 1, 3.8),
)
ANIMATIONS: dict[str, float] = {
    f"animations/{posture}/{family}_{number}": round(first_s + 0.2 * (number - 1), 1)
    for posture in ("Stand", "Sit")
    for family, count, first_s in _FAMILIES
    for number in range(1, count + 1)
}
"""Path of every animation and how many seconds it lasts."""

# What animations express, as ALAnimationPlayer.runTag takes it.
_TAGS = {
    "hello": "Gestures/Hey",
    "yes": "Gestures/Yes",
    "no": "Gestures/No",
    "me": "Gestures/Me",
    "you": "Gestures/You",
    "explain": "Gestures/Explain",
    "give": "Gestures/Give",
    "enthusiastic": "Gestures/Enthusiastic",
    "calm": "Gestures/CalmDown",
    "think": "Gestures/Thinking",
    "bow": "Gestures/BowShort",
    "sky": "Gestures/ShowSky",
    "happy": "Emotions/Positive/Happy",
    "sad": "Emotions/Negative/Sad",
}

# Where joints go, as offsets (rad) from where they are, at shares of the animation's time; they come back at its end.
_GESTURES: dict[str, dict[str, tuple[tuple[float, float], ...]]] = {
    "Hey": {
        "RShoulderPitch": ((0.25, -2.3), (0.8, -2.3)),
        "RShoulderRoll": ((0.25, -0.6), (0.8, -0.6)),
        "RElbowYaw": ((0.25, -0.6), (0.8, -0.6)),
        "RElbowRoll": ((0.3, 0.2), (0.45, 0.9), (0.6, 0.2), (0.75, 0.9)),
        "RHand": ((0.25, 0.7), (0.8, 0.7)),
    },
    "Yes": {"HeadPitch": ((0.2, 0.3), (0.4, -0.2), (0.6, 0.3), (0.8, -0.2))},
    "No": {"HeadYaw": ((0.2, 0.6), (0.4, -0.6), (0.6, 0.6), (0.8, -0.6))},
    "BowShort": {"LHipPitch": ((0.5, -0.5),), "RHipPitch": ((0.5, -0.5),), "HeadPitch": ((0.5, 0.4),)},
    "Salute": {"RShoulderPitch": ((0.25, -1.8), (0.75, -1.8)), "RElbowRoll": ((0.25, 0.5), (0.75, 0.5))},
}
_BOTH_ARMS = {
    "LShoulderPitch": ((0.3, -0.7), (0.7, -0.5)),
    "RShoulderPitch": ((0.3, -0.7), (0.7, -0.5)),
    "LElbowRoll": ((0.3, 0.4), (0.7, 0.6)),
    "RElbowRoll": ((0.3, -0.4), (0.7, -0.6)),
}


def duration_s(path: str) -> float:
    """Return how many seconds an animation lasts; ValueError if it is not installed."""
    if path not in ANIMATIONS:
        raise ValueError(f"no animation {path!r} is installed")
    return ANIMATIONS[path]


def tagged(tag: str, posture: str) -> str:
    """Return the path of an animation that expresses ``tag`` in a posture, Stand or Sit; ValueError if none does."""
    path = f"animations/{posture}/{_TAGS.get(tag, tag)}_1"
    if tag not in _TAGS or path not in ANIMATIONS:
        raise ValueError(f"no animation expresses {tag!r} in posture {posture!r}; tags: {', '.join(_TAGS)}")
    return path


def keyframes(path: str, angles: dict[str, float]) -> dict[str, list[tuple[float, float]]]:
    """Return the (seconds, angle) keys of each joint that the animation moves, starting from ``angles``."""
    lasts = duration_s(path)
    gesture = _GESTURES.get(path.rsplit("/", 1)[-1].rsplit("_", 1)[0], _BOTH_ARMS)
    return {
        joint: [*((share * lasts, angles[joint] + offset) for share, offset in keys), (lasts, angles[joint])]
        for joint, keys in gesture.items()
    }
