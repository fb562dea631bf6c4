"""Suites: what is asked, and what is known of a right answer beside what the judge demands."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from services.training.evaluation.variants import Length
from services.training.judging.expectation import Item, SuiteError, read_suite

_LONGEST_SHORT, _LONGEST_MEDIUM = 1, 3
_PREDICATES = ("must", "in_order", "must_not")


@dataclass(frozen=True)
class Case:
    """One item of a suite."""

    item: Item
    calls: list[str] | None
    """The calls of the program that the item was made from, such as ``ALMotion.moveTo``; None where there is none."""
    length: Length | None
    """How many calls a right program has, where that is known: short 1 at most, medium 2 or 3, long more."""


def read_cases(path: Path) -> list[Case]:
    """The items of a suite, or those of a dataset's ``test`` split.

    Raises:
        OSError: the file cannot be read.
        SuiteError: a line is neither an item nor a pair of a dataset, or none is there.
    """
    with path.open(encoding="utf-8") as lines:
        of_dataset = '"split"' in lines.readline()
    cases = _pairs(path) if of_dataset else [_hand_written(item) for item in read_suite(path)]
    if not cases:
        raise SuiteError(f"{path.name} has no item to evaluate{' in its split test' if of_dataset else ''}")
    return cases


def sample(cases: Sequence[Case], limit: int | None, seed: int) -> list[Case]:
    """So many of the cases, drawn with the seed, in their order; all without a limit."""
    if limit is None or limit >= len(cases):
        return list(cases)
    drawn = random.Random(seed).sample(range(len(cases)), limit)  # noqa: S311 - made again from the seed
    return [cases[number] for number in sorted(drawn)]


def _hand_written(item: Item) -> Case:
    return Case(item, None, next((length for length in get_args(Length) if length in item.tags), None))


def _pairs(path: Path) -> list[Case]:
    cases = []
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        try:
            if line and (pair := json.loads(line))["split"] == "test":
                cases.append(_pair(pair))
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]["msg"]
            raise SuiteError(f"{path.name}, line {number} is no pair of a dataset: {fault}") from None
        except SuiteError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise SuiteError(f"{path.name}, line {number} is no pair of a dataset: {error!r}") from None
    return cases


def _pair(pair: dict[str, Any]) -> Case:
    if missing := [key for key in _PREDICATES if key not in pair]:
        raise SuiteError(f"the dataset does not say what must be seen ({', '.join(missing)}): make it anew")
    item = Item.model_validate({key: pair[key] for key in Item.model_fields if key in pair})
    calls = [f"{call['service']}.{call['method']}" for call in pair["trace"]]
    return Case(item, calls, _length(len(calls)))


def _length(calls: int) -> Length:
    if calls <= _LONGEST_SHORT:
        return "short"
    return "medium" if calls <= _LONGEST_MEDIUM else "long"
