from __future__ import annotations

import ast

import pytest

from services.behavior.catalogue import Catalogue, load_catalogue, robots
from services.behavior.stubs import stubs


@pytest.mark.parametrize("name", robots())
def test_stubs_have_every_form_of_every_method_and_none_that_is_denied(name: str) -> None:
    robot = load_catalogue(name)
    tree = ast.parse(stubs(robot))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    assert classes.keys() == {f"_{owner}" for owner in (*robot.services, "scene")}
    found = [
        (owner.removeprefix("_"), function.name, len(function.args.posonlyargs or function.args.args) - 1)
        for owner, node in classes.items()
        for function in node.body
        if isinstance(function, ast.FunctionDef) and owner != "_scene"
    ]
    assert found == [(service, method.name, len(method.args)) for service, method in robot.calls]
    assert all(ast.get_docstring(function) for node in classes.values() for function in node.body[1:])
    objects = {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    assert objects == {*robot.services, "scene"}


def test_forms_of_one_method_are_overloads(catalogue: Catalogue) -> None:
    text = stubs(catalogue)
    assert text.count("    @overload\n    def fadeRGB(self, ") == 2
    assert "@overload\n    def moveTo(self" not in text
    assert "    def getPosture(self) -> PostureName:\n" in text
    assert "    def pointAt(self, effector: EffectorName | str, position: Sequence[float], frame: int, speed: " in text
    assert "value: 1 to 4 or 0" in text
