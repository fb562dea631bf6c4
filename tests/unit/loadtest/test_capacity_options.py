"""The command line of ``scripts/bench capacity``."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from loadtest.capacity.options import add_options, question_of
from loadtest.capacity.question import Question
from loadtest.comparison.plan import Slos, Turn


def question(*arguments: str) -> Question:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return question_of(parser.parse_args(arguments), parser)


def test_without_options_it_is_llamacpp_and_half_an_hour() -> None:
    made = question()
    assert made.backend == "llamacpp"
    assert made.levels == (1.0, 2.0, 4.0, 8.0)
    assert made.engines == (1, 2, 4, 8)
    assert made.slos == Slos(None, 2.0, 10.0)
    assert made.share == 0.95
    assert 20 * 60 < made.lasts_s() < 35 * 60


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["--backend", "triton"], "backend", "tensorrtllm"),
        (["--levels", "8,2,8"], "levels", (2.0, 8.0)),
        (["--engines", "3,1"], "engines", (1, 3)),
        (["--quick"], "levels", (1.0, 4.0)),
        (["--quick"], "soak_s", 30.0),
        (["--quick", "--soak-minutes", "2"], "soak_s", 120.0),
        (["--soak-minutes", "0"], "soak_s", 0.0),
        (["--percentile", "99"], "share", 0.99),
    ],
)
def test_what_is_given_holds(arguments: list[str], field: str, value: Any) -> None:
    assert getattr(question(*arguments), field) == value


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--backend", "llamacpp,vllm"], "takes one"),
        (["--backend", ","], "takes one"),
        (["--levels", "0"], "use whole numbers from 1 to 10000"),
        (["--engines", "2,65"], "at most 64"),
        (["--think-s", "0"], "use seconds above 0"),
        (["--soak-minutes", "-1"], "use minutes from 0"),
        (["--soak-minutes", "nan"], "use minutes from 0"),
        (["--percentile", "100"], "from 50 to 99.9"),
        (["--percentile", "most"], "from 50 to 99.9"),
        (["--slo-ttfa-s", "11"], "no order acts after its end"),
        (["--slo-e2e-s", "61"], "given up while they are in time"),
        (["--url", "localhost:8000"], "is no address of a router"),
        (["--api-keys-file", "keys.txt"], "give its --url too"),
        (["--mix", "all"], "invalid choice"),
    ],
)
def test_what_cannot_be_is_told_with_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        question(*arguments)
    assert end.value.code == 2
    assert words in capsys.readouterr().err


def test_the_soak_thinks_and_the_levels_do_not() -> None:
    made = question("--think-s", "20", "--soak-minutes", "3")
    measuring, soak = made.measuring(), made.soak((12, 6, 12))
    assert (measuring.think_s, measuring.levels, measuring.backends) == (0.0, (1.0, 2.0, 4.0, 8.0), ("llamacpp",))
    assert (soak.think_s, soak.levels, soak.seconds) == (20.0, (6.0, 12.0), 180.0)
    assert soak.warm_up_s == measuring.warm_up_s + 20.0
    assert {soak.traffic_seed(turn) for turn in soak.turns()}.isdisjoint(
        measuring.traffic_seed(turn) for turn in measuring.turns()
    )
    assert list(soak.turns()) == [Turn(0, 6.0, "llamacpp"), Turn(0, 12.0, "llamacpp")]
