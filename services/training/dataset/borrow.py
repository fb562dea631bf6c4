"""A task of another skill as part of something bigger: a branch of a condition, or what is taken back again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.training.dataset.phrases import patterns
from services.training.dataset.task import Skill, Task, World, by_name

_TRIES = 30


@dataclass(frozen=True)
class Borrowed:
    """A task, how it is said as an order, and the name of the pattern that says so."""

    skill: Skill
    task: Task
    text: str
    pattern: str

    @property
    def lines(self) -> list[str]:
        """The code of all its steps."""
        return [line for step in self.task.steps for line in step.lines]

    @property
    def body(self) -> list[str]:
        """The code as the body of a block."""
        return [f"    {line}" for line in self.lines]


def borrow(world: World, fits: Callable[[Skill, Task], bool], without: Sequence[str] = ()) -> Borrowed | None:
    """A random task that acts and that ``fits``, of a skill that joins with others and is not among ``without``."""
    # Conditions borrow themselves: drawing one here could go on without end.
    free = [one for one in by_name() if one.joins and one.weight and one.theme != "conditions"]
    free = [one for one in free if one.name not in without]
    for _ in range(_TRIES):
        one = world.random.choices(free, [candidate.weight for candidate in free])[0]
        if one.needs and one.needs != world.posture:
            continue
        task = one.make(world)
        if task is None or task.outcome != "acts" or not fits(one, task):
            continue
        clauses = patterns(one.name, task.variant, world.language, "clause")
        if clauses:
            pattern = world.random.choice(clauses)
            return Borrowed(one, task, pattern.realise(world.random, task.slots), pattern.name)
    return None
