"""Checking is no burden: what it costs, in time of the processor."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable

import pytest
from gbnf_sampler import Grammar

from services.behavior.catalogue import Catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.program import ProgramError, ProgramReader
from services.behavior.schema import Scene
from services.behavior.subset import StatementChecker

Record = Callable[[str, object], None]


@pytest.fixture
def milliseconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What each statement took that is checked from now on."""
    taken: list[float] = []
    check = StatementChecker.check

    def timed(self: StatementChecker, source: str, line: int) -> None:
        began = time.thread_time_ns()
        try:
            check(self, source, line)
        finally:
            taken.append((time.thread_time_ns() - began) / 1e6)

    monkeypatch.setattr(StatementChecker, "check", timed)
    return taken


def test_a_statement_is_checked_in_less_than_a_millisecond(
    catalogue: Catalogue, scene: Scene, milliseconds: list[float], record_property: Record
) -> None:
    grammar = Grammar(build_gbnf(catalogue, scene))
    for seed in range(300):
        reader = ProgramReader(catalogue, scene)
        try:
            reader.feed(grammar.sample(random.Random(seed)))
            reader.close()
        except ProgramError:
            pass  # it walks into something
    assert len(milliseconds) > 300
    median, p99 = statistics.median(milliseconds), statistics.quantiles(milliseconds, n=100)[-1]
    record_property("check_ms_median", round(median, 3))
    record_property("check_ms_p99", round(p99, 3))
    assert median < 0.5
    assert p99 < 1.0


def test_no_loop_takes_the_checker_long(catalogue: Catalogue, scene: Scene, milliseconds: list[float]) -> None:
    loops = "".join(f"{'    ' * depth}for {name} in range(20):\n" for depth, name in enumerate("abc"))
    with pytest.raises(ProgramError) as caught:
        ProgramReader(catalogue, scene).feed(f"{loops}{' ' * 12}x = [a * b + c, a - b, c]\nALMotion.rest()\n")
    assert caught.value.code == "program.loop"
    assert milliseconds[0] < 100


@pytest.mark.parametrize(
    ("then", "otherwise"),
    [("x = 1", "x = 1"), ("v0 = b", "v0 = c"), ("v0 = b", "v1 = c"), ("v0 = d", "v0 = b")],
)
def test_no_condition_takes_the_checker_long(
    catalogue: Catalogue, scene: Scene, milliseconds: list[float], then: str, otherwise: str
) -> None:
    """Behind every condition all names are what they are in either branch, and lists may be long."""
    items = ", ".join(["1"] * 150)
    lists = "".join(f"{name} = [{items}]\n" for name in ("a", "b", "c")) + f"d = [{items[:-1]}2]\n"
    names = "".join(f"v{at} = a\n" for at in range(40))
    conditions = f"        if i:\n            {then}\n        else:\n            {otherwise}\n" * 9
    loops = f"for i in range(20):\n    for j in range(20):\n{conditions}"
    reader = ProgramReader(catalogue, scene)
    reader.feed(f"{lists}{names}{loops}ALMotion.rest()\n")  # gives what was complete before
    with pytest.raises(ProgramError) as caught:
        reader.close()
    assert caught.value.code == "program.loop"
    assert max(milliseconds) < 100


def test_a_condition_in_a_loop_may_join_a_few_names(catalogue: Catalogue, scene: Scene) -> None:
    names = "".join(f"v{at} = {at}\n" for at in range(10))
    loops = "for i in range(20):\n    for j in range(20):\n        if i:\n            v0 = i\n"
    ProgramReader(catalogue, scene).feed(f"{names}{loops}ALTextToSpeech.say(str(v0))\n")
