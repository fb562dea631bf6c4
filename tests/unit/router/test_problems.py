"""What a client is told about a body that does not fit."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.behavior.schema import BehaviorRequest
from services.router.problems import Problem, from_validation


def problem_of(body: str) -> Problem:
    with pytest.raises(ValidationError) as caught:
        BehaviorRequest.model_validate_json(body)
    return from_validation(caught.value)


def test_names_the_place_and_the_remedy() -> None:
    problem = problem_of('{"instruction": "Wave", "scene": {"objects": [{"name": "x"}]}, "extra": 1}')
    assert problem.status == 422
    assert problem.errors is not None
    assert {error.pointer: error.detail for error in problem.errors} == {
        "/scene/objects/0/position": "This field is required; add it",
        "/extra": "There is no such field; remove it",
    }


@pytest.mark.parametrize("body", ["", "{", '{"instruction": "Wave"', "nul", '{"instruction": "Wave",}'])
def test_what_is_not_json_is_400(body: str) -> None:
    assert problem_of(body).status == 400


@pytest.mark.parametrize("body", ['{"instruction": 1, "note": "hush"}', '{"instruction": "hush" hush}', '{"hush": 1}'])
def test_values_are_not_repeated(body: str) -> None:
    problem = problem_of(body)
    told = problem.detail + "".join(error.detail for error in problem.errors or ())
    assert "hush" not in told.replace("/hush", "")
