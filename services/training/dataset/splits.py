"""Which split a pair belongs to: what is held out is decided by the patterns that its words came from.

Nothing of a held-out pattern or combination is trained on, so that the splits measure what a model makes of phrasings
and compositions that it has never seen. The few most common patterns of each list are always trained on.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from services.training.dataset.compose import Draft
from services.training.dataset.phrases import EVERYDAY

Split = Literal["train", "validation", "test"]
_TEST, _VALIDATION = 0.05, 0.02


def split_of(one: Draft) -> tuple[str, Split]:
    """Why a draft is where it is, and where: the first held-out part of it decides."""
    found: tuple[str, Split] = ("", "train")
    for kind, names in (("phrasing", one.skeleton), ("composition", _pairs(one))):
        for name in names:
            split = _drawn(name)
            if split == "test":
                return f"{kind} {name}", "test"
            if split == "validation" and found[1] == "train":
                found = (f"{kind} {name}", "validation")
    return found


def _pairs(one: Draft) -> list[str]:
    """Names of the combinations of two skills, one directly after the other."""
    return [f"{first}+{second}" for first, second in zip(one.skills, one.skills[1:], strict=False)]


def _drawn(name: str) -> Split:
    number = name.rpartition(".")[2]
    if number.isdigit() and int(number) < EVERYDAY:
        return "train"
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / 2**32
    if share < _TEST:
        return "test"
    return "validation" if share < _TEST + _VALIDATION else "train"
