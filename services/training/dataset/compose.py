"""Puts tasks together: one instruction in plain words, the program that carries it out, and what shows that it did."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.training.dataset.phrases import Pattern, patterns
from services.training.dataset.scenes import furnish
from services.training.dataset.task import SKILLS, STILL, Language, Outcome, Predicate, Skill, Step, Task, World
from services.training.dataset.wording import join, utter

#: Of instructions with so many tasks there are so many.
_LENGTHS = {1: 0.5, 2: 0.27, 3: 0.13, 4: 0.06, 5: 0.04}
_TRIES = 20


@dataclass(frozen=True)
class Draft:
    """An instruction with its program, not yet checked."""

    instruction: str
    language: Language
    scene: dict[str, Any]
    program: str
    outcome: Outcome
    must: Sequence[Predicate]
    in_order: Sequence[Predicate]
    must_not: Sequence[Predicate]
    skills: Sequence[str]
    #: Names of the patterns and wrappings that the words came from.
    skeleton: Sequence[str]
    tags: Sequence[str] = field(default_factory=list)


def draft(rng: random.Random, language: Language) -> Draft:
    """A random instruction with its program."""
    world = World(rng, language)
    furnish(world)
    start = world.posture
    scene_objects = dict(world.objects), dict(world.people)
    wanted = rng.choices(list(_LENGTHS), list(_LENGTHS.values()))[0]
    chosen = _tasks(world, wanted)
    words, skeleton = _words(world, chosen)
    tasks = [task for _, task in chosen]
    return Draft(
        instruction=words,
        language=language,
        scene=_scene(scene_objects, start, world.battery),
        program=write(_steps(world, chosen, start), tasks[0].outcome),
        outcome=tasks[0].outcome,
        must=_must(tasks, world),
        in_order=[task.event for task in tasks if task.event is not None] if len(tasks) > 1 else [],
        must_not=[predicate for task in tasks for predicate in task.must_not],
        skills=[one.name for one, _ in chosen],
        skeleton=skeleton,
        tags=sorted({tag for task in tasks for tag in task.tags}),
    )


def write(steps: Sequence[Step], outcome: Outcome = "acts") -> str:
    """The text of a program: each step of the plan as a comment, then its lines.

    The goal of the one step of a refusal is its reason.
    """
    if outcome == "refuses":
        return "\n".join(line for step in steps for line in (f"# Refuse: {step.goal}", *step.lines)) + "\n"
    lines = []
    for number, step in enumerate(steps, start=1):
        parts = [f"# Step {number}: {step.goal}"]
        parts += [f"{name}: {value}" for name in ("target", "prefer", "avoid") if (value := getattr(step, name))]
        lines += [" | ".join(parts), *step.lines]
    return "\n".join(lines) + "\n"


def _tasks(world: World, wanted: int) -> list[tuple[Skill, Task]]:
    """Different tasks that can be done one after the other."""
    chosen: list[tuple[Skill, Task]] = []
    for _ in range(_TRIES * wanted):
        free = [one for one in SKILLS.values() if one not in [used for used, _ in chosen]]
        if wanted > 1:
            free = [one for one in free if one.joins]
        if not free:
            break
        one = world.random.choices(free, [candidate.weight for candidate in free])[0]
        if wanted > 1 and not patterns(one.name, "", world.language, "clause"):
            continue
        posture = world.posture
        if one.needs:
            world.posture = one.needs  # the program stands up by itself
        task = one.make(world)
        if task is None or (wanted > 1 and task.outcome != "acts"):
            world.posture = posture
            continue
        world.posture = task.leaves or world.posture
        world.pose = (
            None
            if world.pose is None or task.moved is None
            else world.pose.moved(task.moved.x, task.moved.y, task.moved.theta)
        )
        chosen.append((one, task))
        if len(chosen) == wanted:
            break
    return chosen


def _words(world: World, chosen: Sequence[tuple[Skill, Task]]) -> tuple[str, list[str]]:
    if len(chosen) == 1:
        one, task = chosen[0]
        clauses = patterns(one.name, task.variant, world.language, "clause")
        wholes = patterns(one.name, task.variant, world.language, "whole")
        pattern = world.random.choices(
            [*clauses, *wholes], [3.0 / max(1, len(clauses))] * len(clauses) + [1.0 / max(1, len(wholes))] * len(wholes)
        )[0]
        text = pattern.realise(world.random, task.slots)
        return utter(world, text, whole=pattern in wholes, skeleton=[pattern.name])
    used: list[Pattern] = []
    clauses_said = []
    for one, task in chosen:
        pattern = world.random.choice(patterns(one.name, task.variant, world.language, "clause"))
        used.append(pattern)
        clauses_said.append(pattern.realise(world.random, task.slots))
    text, joint = join(world, clauses_said)
    return utter(world, text, whole=False, skeleton=[joint, *(pattern.name for pattern in used)])


def _steps(world: World, chosen: Sequence[tuple[Skill, Task]], start: str) -> list[Step]:
    steps: list[Step] = []
    posture = start
    for one, task in chosen:
        if one.needs and posture != one.needs and task.outcome == "acts":
            steps.append(Step("stand up", ['ALRobotPosture.goToPosture("Stand", 0.5)']))
            posture = one.needs
        steps += task.steps
        posture = task.leaves or posture
    return steps


def _must(tasks: Sequence[Task], world: World) -> list[Predicate]:
    must = [predicate for task in tasks for predicate in task.must]
    walked = [any("walked" in predicate for predicate in task.at_end) for task in tasks]  # even if it comes back
    movers = [number for number, task in enumerate(tasks) if task.moved != STILL or walked[number]]
    if len(movers) <= 1:
        return must + [predicate for task in tasks for predicate in task.at_end]
    if world.pose is not None:
        distance = math.hypot(world.pose.x, world.pose.y)
        must.append({"walks": {"distance": [round(distance * 0.9 - 0.05, 3), round(distance * 1.1 + 0.05, 3)]}})
        if distance > 0.2:
            bearing = math.degrees(math.atan2(world.pose.y, world.pose.x))
            must[-1] = {"walks": {**must[-1]["walks"], "bearing": [round(bearing - 15, 1), round(bearing + 15, 1)]}}
        turned = math.degrees(world.pose.theta)
        must.append({"turns": {"degrees": [round(turned - 10, 1), round(turned + 10, 1)]}})
        return must
    last = tasks[movers[-1]].at_end
    return must + [predicate for predicate in last if not {"walks", "turns", "walked"} & set(predicate)]


def _scene(
    things: tuple[dict[str, list[float]], dict[str, list[float]]], posture: str, battery: int | None
) -> dict[str, Any]:
    objects, people = ([{"name": name, "position": place} for name, place in some.items()] for some in things)
    scene: dict[str, Any] = {}
    if objects:
        scene["objects"] = objects
    if people:
        scene["people"] = people
    if posture != "Standing":
        scene["posture"] = {"Sitting": "Sit", "Crouching": "Crouch"}[posture]
    if battery is not None:
        scene["battery"] = battery
    return scene
