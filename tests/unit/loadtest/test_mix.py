"""What the load test asks for."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from loadtest.traffic.doors import behavior_request, chat_request
from loadtest.traffic.mix import DEFAULT_MIX, Instruction, instructions, mixes
from loadtest.traffic.settings import Settings
from services.behavior.schema import BehaviorRequest
from tests.unit.loadtest.settings import settings


def drawn(mix: str, seed: str, count: int = 4000) -> list[Instruction]:
    return list(islice(mixes()[mix].sequence(seed), count))


@pytest.mark.parametrize("instruction", instructions().values(), ids=instructions())
def test_every_instruction_is_a_request_that_the_router_takes(instruction: Instruction) -> None:
    ask = settings().ask(instruction, "llamacpp", "robot-0000", 5)
    order = BehaviorRequest.model_validate(behavior_request(ask))
    assert order.instruction == instruction.text
    assert len(order.scene.objects) == len(instruction.scene.get("objects", []))
    assert ("scene" in instruction.tags) == bool(instruction.scene)
    assert chat_request(ask)["messages"][-1]["content"].endswith(instruction.text)
    assert len(instruction.tags & {"english", "chinese"}) == len(instruction.tags & {"short", "long"}) == 1
    assert instruction.text.isascii() == ("english" in instruction.tags)


def test_no_two_instructions_are_the_same() -> None:
    assert len({instruction.text for instruction in instructions().values()}) == len(instructions())


def test_a_seed_gives_the_same_sequence_and_another_seed_another() -> None:
    assert drawn(DEFAULT_MIX, "1", 200) == drawn(DEFAULT_MIX, "1", 200)
    assert drawn(DEFAULT_MIX, "1", 200) != drawn(DEFAULT_MIX, "2", 200)


@pytest.mark.parametrize("mix", mixes())
def test_a_mix_asks_for_all_of_its_own(mix: str) -> None:
    assert set(drawn(mix, "1")) == set(mixes()[mix].instructions)


def test_daily_orders_are_short_four_times_in_five() -> None:
    kinds = Counter("short" in instruction.tags for instruction in drawn("daily", "1"))
    assert kinds[True] / kinds.total() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("tag", ["short", "long", "english", "chinese"])
def test_mixes_of_one_kind_ask_for_nothing_else(tag: str) -> None:
    assert all(tag in instruction.tags for instruction in mixes()[tag].instructions)


def test_a_mix_that_is_not_there_is_no_setting() -> None:
    with pytest.raises(ValueError, match="there is no mix 'nightly'; choose one of: daily"):
        Settings.model_validate({**settings().model_dump(), "mix": "nightly"})
