"""The lines of a suite, and what is said of those that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.training.judging.expectation import SuiteError, read_suite
from services.training.judging.predicates import Predicate

LINE: dict[str, Any] = {
    "id": "en-001",
    "language": "en",
    "instruction": "Wave",
    "scene": {"objects": [{"name": "red ball", "position": [1.0, 0.0, 0.0]}]},
    "tags": ["gesture"],
    "outcome": "acts",
    "must": [{"gesture": "wave"}],
    "in_order": [],
    "must_not": [{"moves": "walk"}],
    "note": "as simple as can be",
}


def write(folder: Path, *lines: dict[str, Any] | str) -> Path:
    path = folder / "suite.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return path


def test_a_suite_is_read(tmp_path: Path) -> None:
    first, second = read_suite(write(tmp_path, LINE, "", {**LINE, "id": "en-002", "scene": {}}))
    assert (first.id, second.id) == ("en-001", "en-002")
    assert first.must[0].key == "gesture"
    assert first.scene.objects[0].name == "red ball"


def test_both_forms_of_a_posture_are_read() -> None:
    short, long = ({"posture": "Sitting"}, {"posture": {"family": "Sitting", "end": True}})
    assert str(Predicate.model_validate(short)) == '{"posture":{"family":"Sitting"}}'
    assert Predicate.model_validate(long).value.end


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"musst": []}, "musst: there is no such key"),
        ({"must": [{"sayz": {}}]}, "must[0].sayz: there is no such key"),
        ({"must": [{"says": {"lenght": [1, 2]}}]}, "must[0].says.lenght: there is no such key"),
        ({"must": [{"any_of": [{"says": {}}, {"turns": {"degrees": [9, 1]}}]}]}, "any_of[1].turns.degrees: a range"),
        ({"must": [{"turns": {"degrees": [None, None]}}]}, "turns.degrees: one end of a range must be a number"),
        ({"must": [{"turns": {"degrees": [1]}}]}, "must[0].turns.degrees: List should have at least 2"),
        ({"must": [{"walks": {}}]}, "must[0].walks: give one of distance, bearing"),
        ({"must": [{"says": {}, "moves": "any"}]}, "must[0]: a predicate has one key, not 2"),
        ({"must": [{"says": None}]}, "must[0]: 'says' must not be null"),
        ({"must": [{"joint": {"name": "RElbowRol", "degrees": [1, 2]}}]}, "did you mean 'RElbowRoll'?"),
        ({"must": [{"calls": {"method": "ALMotion.movTo"}}]}, "did you mean 'ALMotion.moveTo'?"),
        ({"must": [{"voice": {"language": "Klingon"}}]}, "'Klingon' is no language"),
        ({"must": [{"gesture": "salute"}]}, "must[0].gesture: Input should be 'wave', 'nod'"),
        ({"must": [{"near": {"target": "blue ball", "within": 0.5}}]}, "the scene has no 'blue ball'"),
        ({"must": [{"not": {"faces": {"target": "Bob", "within": 9}}}]}, "the scene has no 'Bob'"),
        ({"in_order": [{"lasts": [1, 2]}]}, "'lasts' is no event, so it cannot stand in 'in_order'"),
        ({"in_order": [{"any_of": [{"not": {"says": {}}}]}]}, "'not' is no event"),
        ({"must": [{"times": {"of": {"lasts": [1, 2]}, "count": [1, 1]}}]}, "'lasts' is no event"),
        ({"must": [], "must_not": []}, "no predicate says what must be seen of it"),
        ({"scene": {"posture": "Sitting"}}, "NAO has no posture 'Sitting'; did you mean 'Sit'?"),
        ({"outcome": "dances"}, "outcome: Input should be"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_place(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as raised:
        read_suite(write(tmp_path, {**LINE, "id": "en-000"}, {**LINE, **change}))
    (line,) = str(raised.value).splitlines()
    assert line.startswith("suite.jsonl, line 2 (en-001): ")
    assert message in line


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as raised:
        read_suite(write(tmp_path, "{", LINE, LINE, "3"))
    one, two, three = str(raised.value).splitlines()
    assert one.startswith("suite.jsonl, line 1: Invalid JSON")
    assert "line 3: the id 'en-001' was used before" in two
    assert three.startswith("suite.jsonl, line 4: ")
