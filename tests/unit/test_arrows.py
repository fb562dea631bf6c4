"""Which part of the engine imports which: arrows point one way, and the domain stands by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SERVICES = Path(__file__).resolve().parents[2] / "services"
#: What each part may import of ours, beside itself and the modules that belong to no part.
ARROWS = {
    "behavior": set(),
    "picture": {"behavior"},
    "backends": set(),
    "jobs": {"behavior"},
    "robot": {"behavior", "picture"},
    "worker": {"behavior", "backends", "jobs"},
    "router": {"behavior", "backends", "jobs", "picture"},
}
COMMON = {path.stem for path in SERVICES.glob("*.py")}


def imported(path: Path) -> set[str]:
    """The parts of ``services`` that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return {name.split(".")[1] for name in names if name.startswith("services.")}


@pytest.mark.parametrize("part", ARROWS)
def test_arrows_point_one_way(part: str) -> None:
    allowed = ARROWS[part] | {part} | (COMMON if part != "behavior" else set())
    wrong = {
        str(path.relative_to(SERVICES)): found
        for path in SERVICES.joinpath(part).rglob("*.py")
        if (found := imported(path) - allowed)
    }
    assert wrong == {}
