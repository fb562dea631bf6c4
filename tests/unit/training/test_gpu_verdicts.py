"""Programs that were written elsewhere are judged as the dataset's own are."""

from __future__ import annotations

import json

import pytest

from services.training.dataset.place import SAMPLE
from services.training.gpu.verdicts import answer_of
from services.training.judging.expectation import Item

PAIRS = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]


def item_of(pair: dict[str, object]) -> Item:
    return Item.model_validate({key: pair[key] for key in Item.model_fields if key in pair})


@pytest.mark.parametrize("outcome", ["acts", "words", "refuses"])
def test_the_programs_of_the_dataset_pass(outcome: str) -> None:
    pairs = [pair for pair in PAIRS if pair["outcome"] == outcome][:5]
    assert pairs
    for pair in pairs:
        answer = answer_of(item_of(pair), pair["program"], ended=True)
        assert answer.passed, (pair["id"], answer.findings)


def test_another_program_does_not_pass_and_the_reason_is_told() -> None:
    pair = next(pair for pair in PAIRS if pair["outcome"] == "acts" and pair["calls"] == 1)
    item = item_of(pair)
    bad = answer_of(item, "ALMotion.fly(1.0)", ended=True)
    assert bad.result is not None
    assert bad.result.error is not None
    assert (bad.passed, bad.result.status) == (False, "failed")
    assert bad.result.error.code.startswith("program.")
    refused = answer_of(item, "# Refuse: I do not want to", ended=True)
    assert refused.result is not None
    assert (refused.passed, refused.result.status) == (False, "refused")


def test_what_was_cut_off_has_failed() -> None:
    pair = next(pair for pair in PAIRS if pair["outcome"] == "acts")
    answer = answer_of(item_of(pair), pair["program"], ended=False)
    assert answer.result is not None
    assert answer.result.error is not None
    assert (answer.passed, answer.result.error.code) == (False, "program.length")
