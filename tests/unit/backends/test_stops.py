"""A text is cut at its first stop string, wherever the network cut the text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.backends.dialects.stops import StopCutter

# Few letters, so that stop strings occur, begin without ending, and overlap.
TEXTS = st.text("ab機", max_size=12)
STOPS = st.lists(st.text("ab機", max_size=4), max_size=4)


def cut(pieces: Sequence[str], stops: Sequence[str]) -> tuple[str, bool]:
    cutter = StopCutter(stops)
    text = "".join([*map(cutter.feed, pieces), cutter.rest()])
    return text, cutter.stopped


def first_stop(text: str, stops: Sequence[str]) -> int | None:
    """Where the stop string begins that is complete first: the definition, one character at a time."""
    for end in range(1, len(text) + 1):
        ending = [stop for stop in stops if stop and text[:end].endswith(stop)]
        if ending:
            return end - max(map(len, ending))
    return None


@given(TEXTS, STOPS, st.lists(st.integers(0, 12)))
@example("ab機", ["ab機", "b"], [])
def test_the_cut_is_the_same_however_the_text_arrives(text: str, stops: list[str], cuts: list[int]) -> None:
    pieces = [text[start:end] for start, end in pairwise([0, *sorted(cuts), len(text)])]
    at = first_stop(text, stops)
    assert cut(pieces, stops) == (text[:at], at is not None)


@given(TEXTS, STOPS, st.lists(st.integers(0, 12)))
def test_what_was_handed_on_never_has_the_beginning_of_the_stop_string(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    cutter = StopCutter(stops)
    at = first_stop(text, stops)
    handed_on = ""
    for start, end in pairwise([0, *sorted(cuts), len(text)]):
        handed_on += cutter.feed(text[start:end])
        assert text[:at].startswith(handed_on)


@pytest.mark.parametrize(
    ("pieces", "stops", "handed_on"),
    [
        (["wave", "\n"], ["\n\n"], ["wave", ""]),  # held back: it may begin the stop string
        (["wave", "\n", "now"], ["\n\n"], ["wave", "", "\nnow"]),
        (["wave", "\n", "\nnow", "more"], ["\n\n"], ["wave", "", "", ""]),
        (["one", "two"], [], ["one", "two"]),
        (["one", "two"], [""], ["one", "two"]),
    ],
)
def test_only_what_may_begin_a_stop_string_is_held_back(
    pieces: list[str], stops: list[str], handed_on: list[str]
) -> None:
    cutter = StopCutter(stops)
    assert [cutter.feed(piece) for piece in pieces] == handed_on
