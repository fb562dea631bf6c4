"""Shares, the paired test, percentiles, and the figures of a variant."""

from __future__ import annotations

import math

import pytest

from services.behavior.schema import Action
from services.training.evaluation.answers import Answer
from services.training.evaluation.figures import Share, compare, mcnemar, percentile, share
from services.training.evaluation.metrics import measure
from tests.unit.training.synthetic import WAVE_CALL, answer, case

SPEAK_CALL = Action(service="ALTextToSpeech", method="say", args=["Hello"], at_s=0.0, took_s=1.0)
CRASH = Answer(id="i1", passed=False, findings=["the engine ended"], ended="crash", result=None)


@pytest.mark.parametrize(("hits", "of"), [(0, 10), (1, 2), (217, 260), (10, 10)])
def test_the_interval_ends_where_the_share_is_just_not_surprising(hits: int, of: int) -> None:
    for end in Share(hits, of).interval:
        # Wilson's definition: of a share like that, one as far off is seen in 5 % of samples.
        assert abs(hits / of - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / of), abs=1e-7)
    low, high = Share(hits, of).interval
    assert low < high


def test_of_nothing_everything_is_possible() -> None:
    assert Share(0, 0).interval == (0.0, 1.0)


def test_a_share_of_nothing_has_no_value() -> None:
    assert share([]).value is None
    assert share([True, False, True, True]).value == 0.75


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [(0, 0, 1.0), (3, 3, 1.0), (5, 0, 2 / 32), (0, 5, 2 / 32), (8, 2, 0.109375), (1, 9, 22 / 1024)],
)
def test_mcnemar_is_the_two_sided_binomial(one: int, other: int, p: float) -> None:
    assert mcnemar(one, other) == pytest.approx(p)


def test_a_comparison_counts_what_only_one_passed() -> None:
    found = compare("a", [True, True, False, True], "b", [True, False, True, False])
    assert (found.only_one, found.only_other, found.p) == (2, 1, 1.0)


def test_percentiles_are_values_that_came() -> None:
    values = [float(value) for value in range(20, 0, -1)]
    assert (percentile(values, 50), percentile(values, 95), percentile([], 50)) == (10.0, 19.0, None)
    assert (percentile([3.0], 50), percentile([3.0], 95)) == (3.0, 3.0)


def test_refusals_where_words_are_wanted_count_neither_for_nor_against() -> None:
    cases = [case(1, "refuses"), case(2, "refuses"), case(3), case(4, "words")]
    answers = [
        answer(1, status="refused"),
        answer(2, passed=False),
        answer(3, passed=False, status="refused"),
        answer(4, status="refused"),
    ]
    found = measure(cases, answers)
    assert found.refusal_precision == Share(1, 2)
    assert found.refusal_recall == Share(1, 2)
    assert found.valid == Share(4, 4)


def test_a_crash_and_a_time_out_are_neither_valid_nor_refusals() -> None:
    late = answer(2, passed=False, status="refused").model_copy(update={"ended": "time-out"})
    found = measure(
        [case(1), case(2, "refuses"), case(3)],
        [CRASH, late, answer(3, passed=False, status="failed", error="program.joint")],
    )
    assert found.passed == Share(0, 3)
    assert found.valid == Share(0, 3)
    assert found.refusal_recall == Share(0, 1)
    assert found.failures == {"crash": 1, "time-out": 1, "program.joint": 1}


def test_calls_are_counted_by_name_and_as_often_as_they_were_made() -> None:
    run, say = "ALAnimationPlayer.run", "ALTextToSpeech.say"
    cases = [case(1, calls=[run, run, say]), case(2, calls=[say])]
    answers = [answer(1, actions=[WAVE_CALL, SPEAK_CALL, SPEAK_CALL]), answer(2, actions=[])]
    found = measure(cases, answers)
    assert found.call_precision == Share(2, 3)
    assert found.call_recall == Share(2, 4)


def test_without_the_calls_of_right_programs_there_is_no_figure_for_them() -> None:
    found = measure([case(1)], [answer(1)])
    assert (found.call_precision, found.call_recall) == (None, None)


def test_what_passed_by_group() -> None:
    cases = [
        case(1, tags=["speech", "short"], length="short"),
        case(2, tags=["speech", "lights", "long"], length="long", language="zh"),
    ]
    groups = measure(cases, [answer(1), answer(2, passed=False)]).groups
    assert groups["tag"] == {"speech": Share(1, 2), "lights": Share(0, 1)}
    assert groups["language"] == {"en": Share(1, 1), "zh": Share(0, 1)}
    assert groups["length"] == {"short": Share(1, 1), "long": Share(0, 1)}
    assert groups["outcome"] == {"acts": Share(1, 2)}


def test_times_and_tokens_are_of_the_items_that_have_them() -> None:
    cases = [case(number) for number in (1, 2, 3)]
    found = measure(cases, [answer(1, total_ms=100.0, tokens=10), answer(2, total_ms=300.0, tokens=30), answer(3)])
    assert (found.times["total_ms"].p50, found.times["total_ms"].p95) == (100.0, 300.0)
    assert found.times["ttfa_ms"].p50 is None
    assert (found.prompt_tokens, found.completion_tokens) == (200.0, 20.0)
