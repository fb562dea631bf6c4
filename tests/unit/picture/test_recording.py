"""The recording of a behaviour: exact, small, and readable only as what it is."""

from __future__ import annotations

import base64
import math
import random
import zlib

import pytest

from services.behavior.schema import MAX_RECORDING_CHARACTERS
from services.picture.recording import (
    MAX_ITEMS,
    MAX_MOMENTS,
    MAX_SENTENCE_CHARACTERS,
    MAX_SENTENCES,
    Item,
    Recording,
    Spoken,
    column,
    columns,
)

WAVE = Recording(
    robot="nao",
    moments=[0, 1000, 3000],
    joints={"HeadYaw": [0, 1000, -500], "HeadPitch": [-170]},
    on_feet=[1000],
    lean=[0],
    x=[0, 0, 400],
    y=[0],
    theta=[0, 0, -3000],
    steps=[0, 0, 4000],
    leds={"ChestLeds": [0xFFFFFF, 0xFF0000, 0x0000FF]},
)


def test_between_two_moments_everything_passes_in_straight_lines() -> None:
    state = WAVE.at(0.25)
    assert state.angles == {"HeadYaw": pytest.approx(0.25), "HeadPitch": pytest.approx(-0.17)}
    assert (state.x, state.theta, state.steps) == (0.0, 0.0, 0.0)
    assert state.leds == {"ChestLeds": (255, 191, 191)}
    later = WAVE.at(2.0)
    assert (later.x, later.theta, later.steps) == pytest.approx((0.2, -1.5, 2.0))
    assert later.leds == {"ChestLeds": (128, 0, 128)}


def test_the_way_is_where_it_was_at_each_moment() -> None:
    assert WAVE.way == [(0.0, 0.0), (0.0, 0.0), (0.4, 0.0)]


@pytest.mark.parametrize(("seconds", "yaw"), [(-1.0, 0.0), (0.0, 0.0), (3.0, -0.5), (99.0, -0.5)])
def test_it_stays_as_it_is_before_and_after(seconds: float, yaw: float) -> None:
    assert WAVE.at(seconds).angles["HeadYaw"] == pytest.approx(yaw)
    assert WAVE.seconds == 3.0


def test_a_value_that_stays_takes_one_number() -> None:
    assert column([0.1, 0.1, 0.1001]) == [100]
    assert columns([{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 3.0}]) == {"a": [1000], "b": [2000, 3000]}


def test_it_comes_back_from_the_store_as_it_was() -> None:
    packed = WAVE.packed()
    assert packed is not None
    assert packed.isascii()
    assert packed.isprintable()
    assert len(packed) < 400
    assert Recording.unpacked(packed) == WAVE


def test_the_longest_and_most_restless_behaviour_fits_without_its_words_or_is_left_out() -> None:
    noise = random.Random(1)
    joints = {f"Joint{n}": [noise.randint(-2000, 2000) for _ in range(MAX_MOMENTS)] for n in range(26)}
    restless = WAVE.model_copy(
        update={"moments": list(range(MAX_MOMENTS)), "joints": joints, "x": [0], "theta": [0], "steps": [0], "leds": {}}
    )
    assert restless.packed() is None
    calm = WAVE.model_copy(
        update={
            "items": [Item(name=f"{'物' * 70}{n}", x=n, y=n) for n in range(MAX_ITEMS)],
            "spoken": [
                Spoken(begins=n, ends=n + 1, text="".join(chr(noise.randint(0x4E00, 0x9FFF)) for _ in range(120)))
                for n in range(20)
            ],
        }
    )
    packed = calm.packed()
    assert packed is not None
    assert len(packed) <= MAX_RECORDING_CHARACTERS


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "not a recording",
        base64.b85encode(b"neither").decode(),
        base64.b85encode(zlib.compress(b"{}")).decode(),
        base64.b85encode(zlib.compress(b" " * 2_000_000)).decode(),
        base64.b85encode(zlib.compress(WAVE.model_dump_json().encode())[:-9]).decode(),
    ],
)
def test_what_is_none_is_an_error_soon(packed: str) -> None:
    with pytest.raises(ValueError, match="not a recording"):
        Recording.unpacked(packed)


@pytest.mark.parametrize(
    "change",
    [
        {"moments": [0, 0, 1]},
        {"x": [1, 2]},
        {"x": []},
        {"lean": [math.nan]},
        {"robot": "pepper"},
        {"leds": {"ChestLeds": [1, 2]}},
        {"spoken": [{"begins": 0, "ends": 1, "text": "a" * (MAX_SENTENCE_CHARACTERS + 1)}]},
        {"spoken": [{"begins": 0, "ends": 1, "text": "a"}] * (MAX_SENTENCES + 1)},
        {"joints": {"HeadYaw": [2**40]}},
    ],
)
def test_a_senseless_recording_is_none(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Recording.model_validate(WAVE.model_dump() | change)
