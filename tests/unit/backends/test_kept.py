"""What is kept of finished answers, and what goes."""

from __future__ import annotations

import tracemalloc

from services.backends.base import Delta, Finish
from services.backends.kept import KeptAnswers, Key

FINISH = Finish("stop", "scripted", 7, 3)


def key(name: str) -> Key:
    return "llamacpp", name.encode()


def answer(text: str) -> list[Delta | Finish]:
    return [Delta(text), FINISH]


def names(kept: KeptAnswers, asked: str) -> str:
    """Those of the answers that are there."""
    return "".join(name for name in asked if kept.get(key(name)) is not None)


def test_the_least_recently_used_goes_first() -> None:
    kept = KeptAnswers(3, 10_000, 60.0)
    for name in "abc":
        kept.put(key(name), answer(name))
    assert kept.get(key("a")) == (Delta("a"), FINISH)
    kept.put(key("d"), answer("d"))
    assert names(kept, "abcd") == "acd"


def test_all_together_take_up_no_more_than_they_may() -> None:
    kept = KeptAnswers(1000, 10_000, 60.0)
    for name in "abcd":
        kept.put(key(name), answer("x" * 3000))
    assert names(kept, "abcd") == "bcd"
    kept.put(key("e"), answer("x" * 20_000))
    assert names(kept, "abcde") == "bcd", "one that is too large drives nobody out"
    for _ in range(10):
        kept.put(key("d"), answer("x" * 3000))
    assert names(kept, "abcde") == "bcd", "one that is kept anew counts once"


def test_what_is_counted_is_the_memory_that_is_taken() -> None:
    most = 400_000
    kept = KeptAnswers(100_000, most, 60.0)
    tracemalloc.start()
    try:
        for number in range(1000):
            pieces = [Delta(f"piece {number} {at}") for at in range(100)]
            kept.put(key(f"{number:032}"), [*pieces, Finish("stop", f"model {number}", 7, 3)])
        del pieces
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.5 * most < taken < 1.5 * most


def test_an_old_answer_is_not_used_however_often_it_was() -> None:
    now_s = 0.0
    kept = KeptAnswers(8, 10_000, 60.0, clock=lambda: now_s)
    kept.put(key("a"), answer("a"))
    for step_s, there in ((20.0, "a"), (40.0, "a"), (0.1, "")):
        now_s += step_s
        assert names(kept, "a") == there
    kept.put(key("a"), answer("a"))
    now_s += 60.0
    assert names(kept, "a") == "a"


def test_only_what_ended_by_itself_is_kept() -> None:
    kept = KeptAnswers(8, 10_000, 60.0)
    kept.put(key("a"), [Delta("a"), Finish("length", "scripted", 7, 3)])
    kept.put(key("b"), [Delta("b")])
    kept.put(key("c"), [])
    kept.put(key("d"), [FINISH])
    assert names(kept, "abcd") == "d"


def test_none_is_kept_where_none_may_be() -> None:
    kept = KeptAnswers(0, 10_000, 60.0)
    kept.put(key("a"), answer("a"))
    assert names(kept, "a") == ""
