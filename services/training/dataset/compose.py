"""Puts tasks together: one instruction in plain words, the program that carries it out, and what shows that it did."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.training.dataset.borrow import borrow
from services.training.dataset.phrases import draw, patterns
from services.training.dataset.scenes import furnish
from services.training.dataset.task import STILL, Language, Outcome, Predicate, Skill, Step, Task, World, by_name
from services.training.dataset.wording import correct, join, utter

#: Of instructions with so many tasks there are so many.
_LENGTHS = {1: 0.35, 2: 0.27, 3: 0.21, 4: 0.1, 5: 0.045, 6: 0.025}
_TRIES = 20
#: Of the refusals so many are asked for together with harmless things.
_HIDDEN = 0.2
#: Of single orders so many are given after another one that is taken back.
_CORRECTED = 0.04


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
    chosen = _shared(world) or _tasks(world, rng.choices(list(_LENGTHS), list(_LENGTHS.values()))[0])
    words, skeleton = _words(world, chosen)
    # One thing that must not be done makes the robot refuse the whole.
    done = [pair for pair in chosen if pair[1].outcome == "refuses"] or chosen
    tasks = [task for _, task in done]
    return Draft(
        instruction=words,
        language=language,
        scene=_scene(scene_objects, start, world.battery),
        program=write(_steps(world, done, start), refuses=tasks[0].outcome == "refuses"),
        outcome="acts" if any(task.outcome == "acts" for task in tasks) else tasks[0].outcome,
        must=_must(tasks, world),
        in_order=_in_order(tasks),
        must_not=[
            predicate
            for task in tasks
            for predicate in task.must_not
            if len(tasks) == 1 or "moves" not in predicate  # another of them may move
        ],
        skills=[one.name for one, _ in chosen],
        skeleton=skeleton,
        tags=sorted({tag for task in tasks for tag in task.tags}),
    )


def write(steps: Sequence[Step], *, refuses: bool = False) -> str:
    """The text of a program: each step of the plan as a comment, then its lines.

    The goal of a refusal is its reason.
    """
    lines = []
    if refuses:
        return "\n".join([f"# Refuse: {steps[0].goal}", *steps[0].lines]) + "\n"
    for number, step in enumerate(steps, start=1):
        parts = [f"# Step {number}: {step.goal}"]
        parts += [f"{name}: {value}" for name in ("target", "prefer", "avoid") if (value := getattr(step, name))]
        lines += [" | ".join(parts), *step.lines]
    return "\n".join(lines) + "\n"


def _shared(world: World) -> list[tuple[Skill, Task]]:
    """A task of a skill that has a share of all instructions, if its turn has come; else none."""
    turn = world.random.random()
    for one in by_name():
        turn -= one.share
        if turn < 0:
            task = one.make(world)
            if task is None:
                return []
            chosen = [(one, task)]
            clauses = patterns(one.name, task.variant, world.language, "clause")
            if task.outcome == "refuses" and clauses and world.random.random() < _HIDDEN:
                chosen += _tasks(world, world.random.choice([1, 1, 2]), among_others=True)
                world.random.shuffle(chosen)
            return chosen
    return []


def _tasks(world: World, wanted: int, *, among_others: bool = False) -> list[tuple[Skill, Task]]:
    """Different tasks that can be done one after the other."""
    chosen: list[tuple[Skill, Task]] = []
    for _ in range(_TRIES * wanted):
        free = [one for one in by_name() if one not in [used for used, _ in chosen]]
        joined = wanted > 1 or among_others
        if joined:
            free = [one for one in free if one.joins]
        if not free:
            break
        one = world.random.choices(free, [candidate.weight for candidate in free])[0]
        posture = world.posture
        if one.needs:
            world.posture = one.needs  # the program stands up by itself
        task = one.make(world)
        if task is None or (joined and not _joins(world, one, task, first=not chosen, hidden=among_others)):
            world.posture = posture
            continue
        world.posture = task.leaves or world.posture
        world.pose = (
            None
            if world.pose is None or task.moved is None
            else world.pose.moved(task.moved.x, task.moved.y, task.moved.theta)
        )
        chosen.append((one, task))
        if len(chosen) == wanted or task.last:
            break
    return chosen


def _joins(world: World, one: Skill, task: Task, *, first: bool, hidden: bool) -> bool:
    """Whether a task can stand among others: it is said as an order, and one that comes last has one before it."""
    return bool(patterns(one.name, task.variant, world.language, "clause")) and not (task.last and (first or hidden))


def _words(world: World, chosen: Sequence[tuple[Skill, Task]]) -> tuple[str, list[str]]:
    if len(chosen) == 1:
        one, task = chosen[0]
        clauses = patterns(one.name, task.variant, world.language, "clause")
        wholes = patterns(one.name, task.variant, world.language, "whole")
        twice_as_often = 2 * len(clauses)
        kind = world.random.choices((clauses, wholes), (twice_as_often, len(wholes)))[0]
        pattern = draw(world.random, kind)
        text = pattern.realise(world.random, task.slots)
        skeleton = [pattern.name, *task.said]
        if pattern in clauses and task.outcome == "acts" and not task.last and world.random.random() < _CORRECTED:
            other = borrow(world, lambda *_: True, without=[one.name])
            if other is not None:
                text, joint = correct(world, other.text, text)
                skeleton = [joint, other.pattern, *skeleton]
        return utter(world, text, whole=pattern in wholes or task.last, skeleton=skeleton)
    used: list[str] = []
    clauses_said = []
    for one, task in chosen:
        pattern = draw(world.random, patterns(one.name, task.variant, world.language, "clause"))
        used += [pattern.name, *task.said]
        clauses_said.append(pattern.realise(world.random, task.slots))
    text, joint = join(world, clauses_said, apart=chosen[-1][1].last)
    return utter(world, text, whole=False, skeleton=[joint, *used])


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


def _in_order(tasks: Sequence[Task]) -> list[Predicate]:
    """What marks when each task is done; what marks two of them, once: a light that is red does not turn red again."""
    if len(tasks) < 2:
        return []
    events = [task.event for task in tasks if task.event is not None]
    return [event for number, event in enumerate(events) if event not in events[:number]]


def _at_least(predicate: Predicate) -> Predicate:
    """The predicate without how often at most: another task may do the same."""
    if "times" not in predicate:
        return predicate
    return {"times": {**predicate["times"], "count": [predicate["times"]["count"][0], None]}}


def _must(tasks: Sequence[Task], world: World) -> list[Predicate]:
    must = [predicate for task in tasks for predicate in task.must]
    if len(tasks) > 1:
        must = [_at_least(predicate) for predicate in must]
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
