"""Who runs together, and text up to a stop string."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.engines.static_batch.items import Item, Piece, StopText, common_length, next_batch


class _Client:
    gone = False

    def deliver(self, pieces: Sequence[Piece | Exception]) -> None:
        raise NotImplementedError


def item(tokens: int) -> Item:
    return Item(_Client(), 0, [1] * tokens, 8)


def batch_of(lengths: list[int], most: int = 32, factor: float = 2.0) -> list[int]:
    return [len(chosen.prompt) for chosen in next_batch([item(length) for length in lengths], most, factor)]


def test_prompts_of_a_like_length_run_together() -> None:
    assert batch_of([100, 900, 150, 200, 201, 99]) == [100, 150, 200]


def test_the_one_that_waits_longest_is_always_in_it() -> None:
    assert batch_of([900, 100, 100, 100]) == [900]


def test_short_prompts_count_as_equally_long() -> None:
    assert batch_of([1, 60, 128, 129]) == [1, 60, 128]


def test_a_batch_is_no_larger_than_it_may_be() -> None:
    assert batch_of([100] * 5, most=3) == [100, 100, 100]


def test_the_beginning_that_all_have_in_common() -> None:
    assert common_length([[1, 2, 3], [1, 2, 4, 5], [1, 2]]) == 2
    assert common_length([[1], [2]]) == 0
    assert common_length([[1, 2], []]) == 0


def fed(stops: list[str], *texts: str) -> tuple[list[str], bool]:
    stop = StopText(stops)
    parts = [stop.feed(text) for text in texts]
    return parts, stop.stopped


def test_text_that_begins_no_stop_string_is_handed_on_at_once() -> None:
    assert fed(["END"], "a", "b") == (["a", "b"], False)


def test_a_stop_string_across_pieces_is_never_handed_on() -> None:
    assert fed(["END"], "say E", "N", "D more") == (["say ", "", ""], True)


def test_what_only_looked_like_a_stop_string_is_handed_on() -> None:
    assert fed(["END"], "E", "N", "E") == (["", "", "EN"], False)


def test_the_first_of_several_counts() -> None:
    assert fed(["two", "one"], "one two") == ([""], True)


def test_what_was_held_back_comes_out_at_the_end() -> None:
    stop = StopText(["END"])
    assert stop.feed("the EN") == "the "
    assert stop.flush() == "EN"


@given(st.lists(st.text("ab", max_size=4), max_size=12), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3))
def test_pieces_make_no_difference(texts: list[str], stops: list[str]) -> None:
    whole = "".join(texts)
    stop = StopText(stops)
    handed = ""
    for text in texts:
        handed += stop.feed(text)
        if stop.stopped:
            break
    handed += "" if stop.stopped else stop.flush()
    assert stop.stopped == any(one in whole for one in stops)
    if not stop.stopped:
        assert handed == whole
    else:
        assert not any(one in handed for one in stops)
        assert whole.startswith(handed)


@pytest.mark.parametrize("factor", [1.0, 1.5, 3.0])
@given(lengths=st.lists(st.integers(64, 2000), min_size=1, max_size=20))
def test_padding_is_bounded(factor: float, lengths: list[int]) -> None:
    chosen = batch_of(lengths, factor=factor)
    assert max(chosen) <= factor * min(chosen)
    assert chosen[0] == lengths[0]
