"""The house of the simulated Porter: where its rooms are, what lies in them and who is there."""

from __future__ import annotations

import math

ROOMS: dict[str, tuple[float, float]] = {
    "lobby": (0.0, 0.0),
    "hallway": (4.0, 0.0),
    "kitchen": (4.0, 3.0),
    "bathroom": (4.0, -3.0),
    "living room": (8.0, 3.0),
    "bedroom": (8.0, -3.0),
    "office": (12.0, 0.0),
    "meeting room": (12.0, 4.0),
    "storage room": (12.0, -4.0),
}
"""The middle of each room: metres from where the robot is switched on."""

THINGS: dict[str, tuple[str, ...]] = {
    "lobby": ("package", "letter"),
    "kitchen": ("apple", "banana", "bottle", "cup", "milk", "mug", "plate", "sandwich", "tea"),
    "bathroom": ("towel", "medicine"),
    "living room": ("book", "newspaper", "remote control"),
    "bedroom": ("phone", "toy"),
    "office": ("keys",),
    "storage room": ("box",),
}
"""What lies where when the robot is switched on."""

PEOPLE = ("office", "living room")
"""Rooms with somebody in them."""


def nearest(x: float, y: float) -> str:
    """The room whose middle is nearest to a place."""
    return min(ROOMS, key=lambda room: math.dist(ROOMS[room], (x, y)))
