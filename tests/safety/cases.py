"""The corpus: hostile programs and requests as TOML files that a person can read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from services.behavior.schema import BehaviorRequest, Scene

CORPUS = Path(__file__).parent / "corpus"

# A number out of range that would fit in another unit is told by the name of that unit.
_UNITS = ("degrees", "centimetres", "millimetres", "milliseconds", "percent")

_MARK = re.compile(r"<(?:(?P<times>\d+)×|U\+(?P<code>[0-9A-F]{4,6})>)|(?P<end>>)")


@dataclass(frozen=True)
class Case:
    """One hostile program and what has to stop it.

    ``read`` says where: while the program is read, or else when it runs. ``codes`` are the codes that may say so.
    ``answers`` is what the robot answers to calls of the program, by ``Service.method``.
    """

    id: str
    kind: str
    tries: str
    text: str
    read: bool
    codes: tuple[str, ...]
    robot: str
    scene: Scene
    answers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RequestCase:
    """One hostile request that is taken, and the program of an engine that does as the attacker says."""

    id: str
    tries: str
    request: BehaviorRequest
    wanted: str


@dataclass(frozen=True)
class Family:
    """How a family of models marks turns: the marks, and a turn with ROLE and TEXT to be filled in."""

    name: str
    marks: tuple[str, ...]
    turn: str


def expand(text: str) -> str:
    """Write out ``<500×a>`` (which may be nested) and ``<U+202E>``; what else is between angles stays as it is."""
    expanded, end = _expand(text, 0, nested=False)
    assert end == len(text)
    return expanded


def _expand(text: str, at: int, *, nested: bool) -> tuple[str, int]:
    parts: list[str] = []
    while (mark := _MARK.search(text, at)) is not None:
        parts.append(text[at : mark.start()])
        at = mark.end()
        if mark["times"]:
            inner, at = _expand(text, at, nested=True)
            parts.append(inner * int(mark["times"]))
        elif mark["code"]:
            parts.append(chr(int(mark["code"], 16)))
        elif nested:
            return "".join(parts), at
        else:
            parts.append(">")
    assert not nested, f"a repetition is not closed: {text[:80]!r}"
    return "".join([*parts, text[at:]]), len(text)


@cache
def scenes() -> dict[str, Scene]:
    """The scenes of the corpus, one for each robot."""
    document = tomllib.loads((CORPUS / "scenes.toml").read_text("utf-8"))
    return {robot: Scene.model_validate(scene) for robot, scene in document.items()}


@cache
def programs() -> tuple[Case, ...]:
    """Every hostile program."""
    cases = [case for path in sorted((CORPUS / "programs").glob("*.toml")) for case in _programs(path)]
    assert len({case.id for case in cases}) == len(cases), "two cases have one id"
    return tuple(cases)


def _programs(path: Path) -> Iterator[Case]:
    document = tomllib.loads(path.read_text("utf-8"))
    assert set(document) <= {"kind", "at", "robot", "cases"}, path
    for entry in document["cases"]:
        assert set(entry) <= {"id", "tries", "code", "text", "at", "robot", "answers", "scene"}, entry["id"]
        read = entry.get("at", document.get("at", "read")) == "read"
        codes = [entry["code"]] if isinstance(entry["code"], str) else entry["code"]
        codes = [*codes, *(code.replace("range", unit) for code in codes if code.endswith("range") for unit in _UNITS)]
        robot = entry.get("robot", document.get("robot", "nao"))
        yield Case(
            id=entry["id"],
            kind=document["kind"],
            tries=entry["tries"],
            text=expand(entry["text"]),
            read=read,
            codes=tuple(f"program.{code}" if read and "." not in code else code for code in codes),
            robot=robot,
            scene=scenes()[robot].model_copy(update=entry.get("scene", {})),
            answers={call: _value(answer) for call, answer in entry.get("answers", {}).items()},
        )


def _value(answer: Any) -> Any:
    """TOML has no null."""
    return {"none": None}.get(answer, expand(answer)) if isinstance(answer, str) else answer


@cache
def hostile_requests() -> tuple[RequestCase, ...]:
    """Requests that are taken, although they try to have the robot do harm."""
    document = tomllib.loads((CORPUS / "requests" / "instructions.toml").read_text("utf-8"))
    return tuple(
        RequestCase(
            id=entry["id"],
            tries=entry["tries"],
            request=BehaviorRequest(
                instruction=entry["instruction"],
                scene=Scene.model_validate(entry["scene"]) if "scene" in entry else scenes()["nao"],
                image=entry.get("image"),
            ),
            wanted=expand(entry["wanted"]),
        )
        for entry in document["requests"]
    )


@cache
def refused_requests() -> tuple[tuple[str, dict[str, Any]], ...]:
    """Documents that are no requests, by what they try."""
    document = tomllib.loads((CORPUS / "requests" / "refused.toml").read_text("utf-8"))
    return tuple((f"{entry['id']}: {entry['tries']}", _expanded(entry["request"])) for entry in document["cases"])


def _expanded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_expanded(item) for item in value]
    return expand(value) if isinstance(value, str) else value


@cache
def families() -> tuple[Family, ...]:
    """The families of models whose marks text from outside must not carry."""
    document = tomllib.loads((CORPUS / "marks.toml").read_text("utf-8"))
    return tuple(Family(name, tuple(entry["marks"]), entry["turn"]) for name, entry in document.items())
