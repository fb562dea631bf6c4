"""Everything public of the domain says what it is for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import services.behavior

FILES = sorted(Path(services.behavior.__path__[0]).glob("*.py"))
Defined = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(node: ast.Module | ast.ClassDef) -> Iterator[Defined]:
    for inner in node.body:
        if isinstance(inner, Defined) and not inner.name.startswith("_"):
            yield inner
            if isinstance(inner, ast.ClassDef):
                yield from public(inner)


ERRORS = {"CheckError", "ProgramError", "CatalogueError", "LookupError", "ValueError"}


def raised(node: ast.AST) -> set[str]:
    """Errors that a body raises itself; none where it may catch them."""
    if any(isinstance(inner, ast.Try) for inner in ast.walk(node)):
        return set()
    calls = [inner.exc for inner in ast.walk(node) if isinstance(inner, ast.Raise) and isinstance(inner.exc, ast.Call)]
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)} & ERRORS


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_what_is_public_is_documented(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    assert ast.get_docstring(tree), "the module"
    for node in public(tree):
        text = ast.get_docstring(node)
        assert text, node.name
        assert len(text.split()) >= 3, node.name
        if not isinstance(node, ast.ClassDef):
            assert all(error in text for error in raised(node)), f"{node.name} raises {raised(node)}"
            arguments = [argument for argument in node.args.args if argument.arg != "self"]
            assert all(argument.annotation for argument in arguments), node.name
            assert node.returns, node.name
