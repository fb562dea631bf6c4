"""How people say what they want: patterns from ``phrases/*.toml``, one table for each skill.

A pattern is a phrase with alternatives in parentheses, ``(wave|give a wave)``, parts that may be left out in brackets,
``wave [your hand]``, and slots in braces, ``walk {distance}``. ``clause`` holds phrases in the imperative that can be
joined and wrapped ("please …", "… and then …"); ``whole`` holds sentences that stand alone; ``spoken`` what the robot
answers. Which patterns were used is the skeleton of an instruction: the splits keep those apart. What people say most
stands first in each list, and is drawn most.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from services.training.dataset.task import Language

Kind = Literal["clause", "whole", "spoken"]
_FOLDER = Path(__file__).with_name("phrases")
#: The first of these in every list are so common that no model can be expected to do without them: none is held out.
EVERYDAY = 4
_CHOICE = re.compile(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Pattern:
    """A phrase with alternatives and slots."""

    #: Unique: skill, variant, language, kind and number, as ``wave.en.clause.3``.
    name: str
    text: str

    def realise(self, rng: random.Random, slots: Mapping[str, str]) -> str:
        """One phrase of the pattern. Raises KeyError for a slot that has no words."""
        text = self.text
        while (found := _CHOICE.search(text)) is not None:
            choices = found[1].split("|") if found[1] is not None else [*found[2].split("|"), ""]
            chosen = rng.choice(choices)
            text = text[: found.start()] + chosen + text[found.end() :]
        text = _SLOT.sub(lambda slot: slots[slot[1]], text)
        return " ".join(text.split())


@lru_cache(maxsize=1)
def books() -> dict[str, list[Pattern]]:
    """All patterns: ``skill[.variant].language.kind`` → patterns."""
    read: dict[str, list[Pattern]] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for key, texts in _leaves(name, table):
                if key in read:
                    raise ValueError(f"{path.name}: {key} is there twice")
                read[key] = [Pattern(f"{key}.{number}", text) for number, text in enumerate(texts)]
    return read


def patterns(skill: str, variant: str, language: Language, kind: Kind) -> list[Pattern]:
    """The patterns of a skill, and of a variant of it if there are such."""
    found = books()
    own = found.get(f"{skill}.{variant}.{language}.{kind}", []) if variant else []
    return own or found.get(f"{skill}.{language}.{kind}", [])


def draw(rng: random.Random, some: Sequence[Pattern]) -> Pattern:
    """One of the patterns of a list, the first ones most often: as words are by their rank (Zipf), but flatter."""
    return rng.choices(some, [1 / (rank + EVERYDAY) for rank in range(len(some))])[0]


def variants(skill: str) -> list[str]:
    """The variants of a skill that have phrases of their own, in the order of the books."""
    named = [key.split(".") for key in books() if key.startswith(f"{skill}.")]
    return list(dict.fromkeys(parts[1] for parts in named if parts[1] not in ("en", "zh")))


def _leaves(name: str, table: object) -> list[tuple[str, list[str]]]:
    if isinstance(table, list):
        return [(name, table)]
    if not isinstance(table, dict):
        raise ValueError(f"{name} has to be a table or a list of patterns")
    return [leaf for key, value in table.items() for leaf in _leaves(f"{name}.{key}", value)]
