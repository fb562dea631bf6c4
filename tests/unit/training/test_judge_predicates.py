"""Whether the cases of the other files leave a predicate out."""

from __future__ import annotations

from services.training.judging.predicates import Predicate
from tests.unit.training import (
    test_judge_body,
    test_judge_general,
    test_judge_gestures,
    test_judge_joints,
    test_judge_lights,
    test_judge_made_of_others,
    test_judge_speech,
    test_judge_walking,
)

_THEMES = (
    test_judge_speech,
    test_judge_walking,
    test_judge_joints,
    test_judge_body,
    test_judge_gestures,
    test_judge_lights,
    test_judge_general,
    test_judge_made_of_others,
)


def test_every_predicate_has_a_case() -> None:
    keys = {key for theme in _THEMES for case in theme.CASES for key in case.predicate}
    assert {name.rstrip("_") for name in Predicate.model_fields} == keys
