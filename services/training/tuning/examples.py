"""The pairs of the dataset as a model reads them: tokens, of which it learns to write the program's alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.behavior.prompt import tuned_messages
from services.behavior.schema import BehaviorRequest


@dataclass(frozen=True)
class Example:
    """One pair: ``tokens``, the first ``asked`` of which are the question."""

    tokens: list[int]
    asked: int


def read_pairs(path: Path, split: str) -> list[dict[str, Any]]:
    """The pairs of one split of a dataset in JSON Lines. Raises OSError or ValueError."""
    with path.open(encoding="utf-8") as lines:
        return [pair for pair in map(json.loads, lines) if pair["split"] == split]


def encode(tokenizer: Any, pair: dict[str, Any]) -> Example:
    """A pair in the words of the model's chat template, as the worker asks (``tuned_messages``)."""
    request = BehaviorRequest(instruction=pair["instruction"], scene=pair["scene"])
    question = tokenizer.apply_chat_template(tuned_messages(request), tokenize=False, add_generation_prompt=True)
    asked = tokenizer(question, add_special_tokens=False)["input_ids"]
    answer = tokenizer(pair["program"].strip() + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    return Example(asked + answer, len(asked))


@dataclass(frozen=True)
class Row:
    """Several examples one after the other, in a row of one length; numbers as the model takes them.

    ``positions`` begin at 0 with each example, by which the model's attention keeps them apart; ``labels`` are the
    tokens to be learnt, -100 elsewhere.
    """

    tokens: list[int]
    positions: list[int]
    labels: list[int]


def pack(examples: Iterable[Example], length: int, padding: int) -> list[Row]:
    """Examples in rows, as few as first fit, longest first, finds.

    The rows have half of ``length`` tokens, for each token of a row is held against all others of it, also those of
    other examples; only longer examples come into rows of ``length``. Still longer ones are left out.
    """
    some = list(examples)
    half = length // 2
    short = [example for example in some if len(example.tokens) <= half]
    long = [example for example in some if half < len(example.tokens) <= length]
    return _fill(short, half, padding) + _fill(long, length, padding)


def _fill(examples: Iterable[Example], length: int, padding: int) -> list[Row]:
    rows: list[list[Example]] = []
    room: list[int] = []
    for example in sorted(examples, key=lambda one: -len(one.tokens)):
        size = len(example.tokens)
        place = next((number for number, left in enumerate(room) if left >= size), None)
        if place is None:
            rows.append([])
            room.append(length)
            place = len(rows) - 1
        rows[place].append(example)
        room[place] -= size
    return [_row(packed, length, padding) for packed in rows]


def _row(packed: Sequence[Example], length: int, padding: int) -> Row:
    tokens: list[int] = []
    positions: list[int] = []
    labels: list[int] = []
    for example in packed:
        tokens += example.tokens
        positions += range(len(example.tokens))
        labels += [-100] * example.asked + example.tokens[example.asked :]
    rest = length - len(tokens)
    return Row(tokens + [padding] * rest, positions + list(range(rest)), labels + [-100] * rest)


def batches(rows: Sequence[Row], tokens: int, rng: random.Random) -> Iterator[list[Row]]:
    """The rows in random order, as many at a time as have ``tokens`` at most; what is left over makes a smaller one."""
    order = list(rows)
    rng.shuffle(order)
    batch: list[Row] = []
    room = tokens
    for row in order:
        if batch and len(row.tokens) > room:
            yield batch
            batch, room = [], tokens
        batch.append(row)
        room -= len(row.tokens)
    if batch:
        yield batch
