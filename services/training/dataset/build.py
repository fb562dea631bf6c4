"""Makes the dataset: drafts are checked, carried out in simulation and judged, and what fails is thrown away."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from pydantic import ValidationError

import services.training.dataset.skills  # noqa: F401 - registers them
from services.behavior.catalogue import load_catalogue
from services.behavior.check import CheckError
from services.behavior.program import ProgramError, ProgramReader, Refusal, Statement
from services.behavior.schema import Action, BehaviorResult, PlanStep, Scene, Status
from services.robot.errors import BehaviorFailed, RobotFault
from services.robot.rehearsal import Rehearsal
from services.training.dataset.compose import Draft, draft
from services.training.dataset.splits import split_of
from services.training.judging.expectation import Item
from services.training.judging.judge import judge

_CHINESE = 0.44
_CHUNK = 100
#: Pairs whose instruction has one skeleton and whose program is the same, at most.
_ALIKE = 3


def made(number: int, seed: int, processes: int, lost: Counter[str]) -> Iterator[dict[str, Any]]:
    """The pairs of the dataset of a seed, one after the other: of a smaller dataset the same ones, only fewer.

    Args:
        number: how many.
        seed: of all that is drawn.
        processes: that work on it; how many does not change what is made.
        lost: is told what was thrown away and why.
    """
    pairs = _novel(_judged(seed, processes, lost), lost)
    for kept, pair in enumerate(itertools.islice(pairs, number)):
        yield {"id": f"g{kept:06d}", **pair}


def _judged(seed: int, processes: int, lost: Counter[str]) -> Iterator[dict[str, Any]]:
    """Pairs that passed, in an order that depends on the seed alone, without an end."""
    # Not by a fork: the process may have threads, whose locks a child would wait for for ever.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: list[Future[tuple[list[dict[str, Any]], Counter[str]]]] = []
        number = 0
        try:
            while True:
                while len(waiting) < 2 * processes:
                    waiting.append(pool.submit(_chunk, seed, number))
                    number += 1
                pairs, reasons = waiting.pop(0).result()
                lost.update(reasons)
                yield from pairs
        finally:
            pool.shutdown(cancel_futures=True)


def _chunk(seed: int, number: int) -> tuple[list[dict[str, Any]], Counter[str]]:
    rng = random.Random(f"{seed}/{number}")  # noqa: S311 - made again from the seed
    drafts = [draft(rng, "zh" if rng.random() < _CHINESE else "en") for _ in range(_CHUNK)]
    return asyncio.run(_try_all(drafts))


async def _try_all(drafts: Sequence[Draft]) -> tuple[list[dict[str, Any]], Counter[str]]:
    pairs, lost = [], Counter[str]()
    for one in drafts:
        try:
            pairs.append(await _pair(one))
        except _Unfit as unfit:
            lost[f"{'+'.join(one.skills) if len(one.skills) == 1 else 'several'}: {unfit}"[:150]] += 1
    return pairs, lost


class _Unfit(Exception):
    """A draft that is not kept, and why."""


async def _pair(one: Draft) -> dict[str, Any]:
    try:
        scene = Scene.model_validate(one.scene)
        wanted = {name: getattr(one, name) for name in ("language", "instruction", "scene", "outcome")}
        shown = {name: list(getattr(one, name)) for name in ("must", "in_order", "must_not")}
        item = Item.model_validate({"id": "g", "tags": [], **wanted, **shown})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise _Unfit(f"item: {fault['loc']} {fault['msg']}") from None
    result = await _carry_out(one, scene)
    verdict = judge(item, result)
    if not verdict.passed:
        raise _Unfit(f"judged: {verdict.findings[0]}")
    reason, split = split_of(one)
    return {
        "split": split,
        "split_reason": reason,
        "language": one.language,
        "instruction": one.instruction,
        "scene": one.scene,
        "plan": [step.model_dump(exclude_none=True) for step in result.plan],
        "program": one.program,
        "trace": [action.model_dump(include={"service", "method", "args"}) for action in result.actions],
        "outcome": one.outcome,
        **shown,
        "skills": list(one.skills),
        "skeleton": list(one.skeleton),
        "tags": list(one.tags),
        "calls": len(result.actions),
    }


async def _carry_out(one: Draft, scene: Scene) -> BehaviorResult:
    """What the engine would answer if the model wrote this program."""
    catalogue = load_catalogue("nao")
    plan: list[PlanStep] = []
    status: Status = "succeeded"
    refusal, actions = None, list[Action]()
    try:
        reader = ProgramReader(catalogue, scene)
        for part in [*reader.feed(one.program), *reader.close()]:
            match part:
                case PlanStep():
                    plan.append(part)
                case Refusal():
                    status, refusal = "refused", part.reason
                case Statement():
                    pass
        rehearsal = Rehearsal(scene)
        await rehearsal.run(one.program if refusal is None else one.program.partition("\n")[2])
        actions = rehearsal.actions
    except ProgramError as error:
        raise _Unfit(f"check: {error.code}: {error}") from None
    except (CheckError, BehaviorFailed, RobotFault) as error:
        raise _Unfit(f"run: {error}") from None
    return BehaviorResult(
        id="g",
        status=status,
        instruction=one.instruction,
        robot="nao",
        backend="none",
        plan=plan,
        code=one.program,
        refusal=refusal,
        actions=actions,
    )


def _novel(pairs: Iterator[dict[str, Any]], lost: Counter[str]) -> Iterator[dict[str, Any]]:
    """The pairs without those that say the same as one before, or nearly."""
    said: set[str] = set()
    alike: Counter[str] = Counter()
    for pair in pairs:
        words = f"{_plain(pair['instruction'])} {json.dumps(pair['scene'], sort_keys=True)}"
        frame = hashlib.sha256(json.dumps([pair["skeleton"], pair["program"]]).encode()).hexdigest()
        if words in said or alike[frame] >= _ALIKE:
            lost["said before"] += 1
            continue
        said.add(words)
        alike[frame] += 1
        yield pair


def _plain(text: str) -> str:
    """A text without what near-duplicates differ in: case, punctuation, width and spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded))
