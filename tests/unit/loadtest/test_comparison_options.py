"""The command line of ``scripts/bench compare``."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from loadtest.comparison.options import add_options, plan_of
from loadtest.comparison.plan import Plan, Slos


def plan(*arguments: str) -> Plan:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return plan_of(parser.parse_args(arguments), parser)


def test_without_options_it_is_llamacpp_and_triton() -> None:
    made = plan()
    assert made.backends == ("llamacpp", "tensorrtllm")
    assert (made.arrivals, made.levels) == ("closed", (1.0, 4.0, 16.0))
    assert made.slos == Slos(1.0, 2.0, 10.0)


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["--backends", "vLLM, Triton,vllm"], "backends", ("vllm", "tensorrtllm")),
        (["--concurrency", "8,2,8"], "levels", (2.0, 8.0)),
        (["--rates", "2,0.5"], "levels", (0.5, 2.0)),
        (["--rates", "2"], "arrivals", "poisson"),
        (["--door", "passthrough"], "slos", Slos(1.0, None, 10.0)),
        (["--quick"], "seconds", 6.0),
        (["--quick", "--seconds", "9"], "seconds", 9.0),
        (["--quick", "--repeats", "2"], "repeats", 2),
    ],
)
def test_what_is_given_holds(arguments: list[str], field: str, value: Any) -> None:
    assert getattr(plan(*arguments), field) == value


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--backends", "llamacpp"], "at least two"),
        (["--backends", "triton,tensorrtllm"], "at least two"),
        (["--concurrency", "0"], "use whole numbers from 1 to 10000"),
        (["--concurrency", "1", "--rates", "1"], "not allowed with"),
        (["--rates", "-1"], "write requests a second"),
        (["--rates", "nan"], "write requests a second"),
        (["--seconds", "0"], "use seconds above 0"),
        (["--seconds", "inf"], "use seconds above 0"),
        (["--mix", "all"], "invalid choice"),
        (["--url", "localhost:8000"], "is no address of a router"),
        (["--door", "passthrough", "--slo-ttfa-s", "1"], "no meaning at the passthrough door"),
        (["--api-keys-file", "keys.txt"], "give its --url too"),
    ],
)
def test_what_cannot_be_is_told_with_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        plan(*arguments)
    assert end.value.code == 2
    assert words in capsys.readouterr().err
