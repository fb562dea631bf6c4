"""What a skill makes: a thing to do, how it is said, the code that does it, and what shows that it was done."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from services.behavior.scene import Pose

Language = Literal["en", "zh"]
Predicate = Mapping[str, Any]
Outcome = Literal["acts", "words", "refuses"]
STILL = Pose()


@dataclass(frozen=True)
class Step:
    """A step of the plan with the lines of code that carry it out.

    The plan is in English whatever the language of the instruction: Chinese takes a small model's tokens three times as
    many, and before the code it is the translation that the model has to find.
    """

    goal: str
    lines: Sequence[str]
    target: str = ""
    prefer: str = ""
    avoid: str = ""


@dataclass(frozen=True)
class Task:
    """One thing that is asked of the robot."""

    steps: Sequence[Step]
    #: What the phrases of the skill may name in braces, in the language of the world.
    slots: Mapping[str, str] = field(default_factory=dict)
    #: Predicates that hold somewhere in the trace; see ``services.training.judging.expectation``.
    must: Sequence[Predicate] = ()
    #: Predicates that hold at the end, unless the robot walks or turns later on.
    at_end: Sequence[Predicate] = ()
    #: The predicate that marks when it happens, for the order of several tasks; none if the order cannot be seen.
    event: Predicate | None = None
    must_not: Sequence[Predicate] = ()
    #: How far it walks and turns (metres ahead and left, radians left), if that is exact; None if it is not.
    moved: Pose | None = STILL
    #: The family of postures that it leaves the robot in; empty if it stays as it is.
    leaves: str = ""
    outcome: Outcome = "acts"
    #: Which phrases of the skill can be used, for skills whose phrases depend on what is asked.
    variant: str = ""
    #: Whether it comes last of several: "if … otherwise …" would take in whatever followed.
    last: bool = False
    #: Names of the patterns that words in the slots came from.
    said: Sequence[str] = ()
    tags: Sequence[str] = ()


@dataclass
class World:
    """Where and in which language a task is to be done; tasks of one instruction share it, one after the other."""

    random: random.Random
    language: Language
    #: Family of the robot's posture at this point of the program.
    posture: str = "Standing"
    #: Things and people of the scene: name in the language of the world → [x, y, z].
    objects: dict[str, list[float]] = field(default_factory=dict)
    people: dict[str, list[float]] = field(default_factory=dict)
    battery: int | None = None
    #: Where the robot has come to, in the frame of the scene, if that is known.
    pose: Pose | None = STILL

    def say(self, en: str, zh: str) -> str:
        """The words in the language of the world."""
        return en if self.language == "en" else zh

    def one_of(self, en: Sequence[str], zh: Sequence[str]) -> str:
        """One of the words in the language of the world."""
        return self.random.choice(en if self.language == "en" else zh)


Make = Callable[[World], Task | None]


@dataclass(frozen=True)
class Skill:
    """A kind of task. ``make`` gives one, or None where the world has no place for it."""

    name: str
    theme: str
    make: Make
    #: How often it is drawn, beside 1 for the others.
    weight: float
    #: The posture family in which it can be done; empty if in any.
    needs: str
    #: Whether it can be one of several things asked for at once.
    joins: bool
    #: The share of all instructions that it is drawn for, whatever the others weigh.
    share: float


SKILLS: dict[str, Skill] = {}


def skill(
    theme: str, *, weight: float = 1.0, needs: str = "", joins: bool = True, share: float = 0.0
) -> Callable[[Make], Make]:
    """Register a function as the skill of its name; see ``Skill``."""

    def register(make: Make) -> Make:
        name = make.__name__
        if name in SKILLS:
            raise ValueError(f"two skills are called {name}")
        SKILLS[name] = Skill(name, theme, make, weight, needs, joins, share)
        return make

    return register


def by_name() -> list[Skill]:
    """All skills by name: what is drawn from them must not hang on which module somebody has imported first."""
    return [SKILLS[name] for name in sorted(SKILLS)]
