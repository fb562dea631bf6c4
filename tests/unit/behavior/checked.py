"""What the checks say of a program that a grammar lets through."""

from __future__ import annotations

from services.behavior.catalogue import load_catalogue
from services.behavior.program import ProgramError, ProgramReader, Refusal, Statement
from services.behavior.schema import Scene


def judge(robot: str, scene: Scene, text: str) -> str:
    """Code of what the checks find in a program of the grammar, or nothing."""
    reader = ProgramReader(load_catalogue(robot), scene)
    try:
        items = reader.feed(text) + reader.close()
    except ProgramError as error:
        return error.code
    assert any(isinstance(item, Statement | Refusal) for item in items), text
    assert reader.code.rstrip("\n") == text.rstrip("\n")
    return ""
