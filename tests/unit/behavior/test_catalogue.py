from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from services.behavior.catalogue import Catalogue, expand, load_catalogue, robots


def test_every_robot_loads_once() -> None:
    assert "nao" in robots()
    for name in robots():
        assert load_catalogue(name) is load_catalogue(name)
        assert load_catalogue(name).name == name


@pytest.mark.parametrize("name", ["pepper", "", "../nao", "nao.examples"])
def test_an_unknown_robot_is_an_error_that_names_the_known(name: str) -> None:
    with pytest.raises(LookupError, match=r"known robots: .*nao"):
        load_catalogue(name)


def test_patterns_expand() -> None:
    assert expand("{Stand,Sit}/Hey_{1..3}") == [f"{posture}/Hey_{n}" for posture in ("Stand", "Sit") for n in (1, 2, 3)]
    assert expand("plain") == ["plain"]


@pytest.mark.parametrize(
    ("yaw", "limits"),
    [(0.0, (-0.672, 0.515)), (-0.62110, (-0.610, 0.396)), (1.527, (-0.33, 0.2)), (2.5, (-0.4491, 0.33))],
)
def test_head_pitch_narrows_as_the_head_turns(catalogue: Catalogue, yaw: float, limits: tuple[float, float]) -> None:
    assert catalogue.couplings[0].limits(yaw) == pytest.approx(limits, abs=1e-4)


def changed(catalogue: Catalogue, path: str, value: Any) -> dict[str, Any]:
    """The catalogue as a plain document with one entry changed."""
    document = catalogue.model_dump()
    *parents, last = path.split("/")
    entry: Any = document
    for key in parents:
        entry = entry[int(key) if key.isdigit() else key]
    entry[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("chains/Head", ["HeadYaw", "Neck"], "unknown joints: \\['Neck'\\]"),
        ("offered_joints", ["{L,R}Ear"], "unknown joints: \\['LEar', 'REar'\\]"),
        ("deny", {"ALMotion.moveTo": "why"}, "ALMotion.moveTo: both offered and denied"),
        ("deny", {"killAll": "why"}, "pattern"),
        ("enums/leds/card", ["NoseLeds"], "not among the values"),
        ("enums/leds/values", ['a"b'], "quotes"),
        ("services/ALMotion/methods/0/speed", 1, "not permitted|Extra"),
        ("services/ALMotion/methods/0/args", [{"name": "x", "type": "float"}], "needs min <= max"),
        ("services/ALMotion/methods/0/args", [{"name": "x", "type": "enum", "values": "toes"}], "unknown enum 'toes'"),
        ("services/ALMotion/methods/0/args", [{"name": "x", "type": "float", "joints": "j"}], "refers to 'j'"),
        ("services/ALMotion/methods/0/args", [{"name": "x", "type": "bool"}] * 2, "one name"),
    ],
)
def test_a_wrong_catalogue_does_not_load(catalogue: Catalogue, path: str, value: Any, words: str) -> None:
    assert Catalogue.model_validate(catalogue.model_dump()) == catalogue
    with pytest.raises(ValidationError, match=words):
        Catalogue.model_validate(changed(catalogue, path, value))
