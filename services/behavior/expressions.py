"""Follows the expressions of a program without running them: which forms are allowed, and what is known of values."""

from __future__ import annotations

import ast
import re

from services.behavior import functions, operators
from services.behavior.calls import match_call
from services.behavior.catalogue import Catalogue, Method, TextArgument
from services.behavior.errors import CheckError
from services.behavior.scene import SCENE_METHODS, Pose, SceneView
from services.behavior.schema import PlanStep
from services.behavior.sequence import Sequence
from services.behavior.targets import Targets
from services.behavior.values import ANY, Unknown, Value, describe, is_number, item_kind, kind_of
from services.behavior.words import did_you_mean

MAX_EVALUATIONS = 10_000

_RETURNS: dict[str, Value] = {
    "none": None,
    "any": ANY,
    "bool": Unknown("bool"),
    "int": Unknown("int"),
    "float": Unknown("float"),
    "str": Unknown("str"),
    "list[float]": Unknown("list", "float"),
    "list[str]": Unknown("list", "str"),
}


class Expressions:
    """Evaluates the expressions of one program.

    ``names`` holds the variables set so far, ``sequence`` what is known of the robot, ``line`` the line of the
    statement. ``refused`` says that only speech may follow, ``step`` is the step of the plan.
    """

    def __init__(self, catalogue: Catalogue, scene: SceneView, targets: Targets | None) -> None:
        self.catalogue = catalogue
        self.scene = scene
        self.sequence = Sequence(catalogue, scene)
        self.names: dict[str, Value] = {}
        self.line = 0
        self.refused = False
        self.step: PlanStep | None = None
        self._targets = targets
        self._evaluated = 0

    def spend(self, evaluations: int) -> None:
        """Count what following the program takes. Raises CheckError when that is too much."""
        self._evaluated += evaluations
        if self._evaluated > MAX_EVALUATIONS:
            raise CheckError("loop", "the loops of this program take too many turns", "loop fewer times")

    def value(self, node: ast.expr) -> Value:
        """What is known of an expression.

        Raises:
            CheckError: it is wrong (codes without prefix).
        """
        self.spend(1)
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.List | ast.Tuple):
            return operators.flat_enough([self.value(item) for item in node.elts])
        if isinstance(node, ast.UnaryOp):
            return operators.unary(node.op, self.value(node.operand))
        if isinstance(node, ast.BinOp):
            return operators.binary(node.op, self.value(node.left), self.value(node.right))
        if isinstance(node, ast.BoolOp):
            values = [self.value(item) for item in node.values]
            kinds = {kind_of(value) for value in values}
            if kinds & {"list", "other"}:  # "other" may be a list, and ANY would hide it
                raise CheckError("type", "'and' and 'or' join conditions, not lists", "compare them first")
            return Unknown("bool") if kinds == {"bool"} else ANY
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        if isinstance(node, ast.JoinedStr):
            return self._format(node)
        if isinstance(node, ast.Call):
            return self.call(node)
        raise CheckError("subset", f"{_FORBIDDEN.get(type(node), 'this expression is')} not allowed here", _ALLOWED)

    def call(self, node: ast.Call) -> Value:
        """Check a call of a service, of the scene or of a builtin, and tell what is known of its result.

        Raises:
            CheckError: it is wrong, by itself or after the calls before it (codes without prefix).
        """
        if node.keywords:
            raise CheckError("keyword", "calls take positional arguments only", "remove the argument names")
        if any(isinstance(item, ast.Starred) for item in node.args):
            raise CheckError("subset", "* is not allowed in a call", "write the arguments out")
        function = node.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            return self._method(function.value.id, function.attr, node.args)
        if isinstance(function, ast.Name):
            args = [self.value(item) for item in node.args]
            if function.id in functions.FUNCTIONS:
                return functions.call(function.id, args)
            raise CheckError("name", f"there is no function {function.id!r}", self._function_hint(function.id))
        raise CheckError(
            "subset", "this cannot be called", "call only Service.method(...), scene.method(...) and simple functions"
        )

    def _method(self, owner: str, method: str, nodes: list[ast.expr]) -> Value:
        if owner in self.names:
            raise CheckError("subset", f"{owner}.{method}: only services and scene have methods", "write it without")
        if owner == "scene":
            return self._scene(method, [self.value(item) for item in nodes])
        found, args = match_call(self.catalogue, owner, method, [self.value(item) for item in nodes])
        if self.refused and (not found.speech or _moves(found, args)):
            raise CheckError(
                "refusal", f"{owner}.{method} follows a refusal", "after a refusal the robot may only speak"
            )
        if self._targets is not None and self.step is not None and self.sequence.outline(found).place:
            self._targets.check(self.step, walks=found.walks)
        self.sequence.take(owner, found, args, self.line)
        return _RETURNS[found.returns]

    def _scene(self, method: str, args: list[Value]) -> Value:
        unknown = len(args) == 1 and isinstance(args[0], Unknown) and args[0].kind in ("str", "any")
        pose = self.sequence.state.pose
        try:
            found = None if unknown and method in SCENE_METHODS else self.scene.call(method, args, pose or Pose())
        except CheckError as error:
            raise CheckError(error.code.removeprefix("call."), error.message, error.suggestion) from None
        if pose is None or found is None:
            return [Unknown("float")] * 3 if method == "position" else Unknown("float")
        return list(found) if isinstance(found, tuple) else found

    def _function_hint(self, name: str) -> str:
        for service, entry in self.catalogue.services.items():
            if name in entry.by_name:
                return f"did you mean {service}.{name}?"
        return did_you_mean(name, functions.FUNCTIONS)

    @staticmethod
    def _constant(node: ast.Constant) -> Value:
        value = node.value
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int | float):
            return operators.sensible(value)
        raise CheckError("type", f"{describe(value)} is not allowed", "use numbers, texts, True and False")

    def _name(self, node: ast.Name) -> Value:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in self.catalogue.services or node.id == "scene" or node.id in functions.FUNCTIONS:
            raise CheckError("subset", f"{node.id} can only be called", "write its method and arguments")
        hint = f", or {did_you_mean(node.id, self.names)}" if self.names else ""
        raise CheckError("name", f"{node.id!r} is not set on every way to here", f"set it first{hint}")

    def _compare(self, node: ast.Compare) -> Value:
        values = [self.value(item) for item in [node.left, *node.comparators]]
        for op, left, right in zip(node.ops, values, values[1:], strict=False):
            operators.compare(op, left, right)
        return Unknown("bool")

    def _subscript(self, node: ast.Subscript) -> Value:
        if isinstance(node.slice, ast.Slice):
            raise CheckError("subset", "slices are not allowed", "take one item: items[0]")
        items, index = self.value(node.value), self.value(node.slice)
        if kind_of(items) not in ("list", "any"):
            raise CheckError("type", f"only lists have items, not {describe(items)}", "use the value itself")
        if kind_of(index) not in ("int", "any"):
            raise CheckError("type", f"items are counted with whole numbers, not {describe(index)}", "write items[0]")
        if isinstance(items, Unknown):
            return Unknown(item_kind(items))
        if isinstance(index, Unknown):
            return Unknown(item_kind(items))
        if not -len(items) <= index < len(items):
            raise CheckError("range", f"there is no item {index} in a list of {len(items)}", "items are counted from 0")
        return items[index]

    def _format(self, node: ast.JoinedStr) -> Value:
        for part in node.values:
            if isinstance(part, ast.Constant):
                continue
            if (
                not isinstance(part, ast.FormattedValue)
                or not isinstance(part.value, ast.Name)
                or part.conversion != -1
            ):
                raise CheckError("subset", "a text with f takes plain names in braces", "write {x} or {x:.1f}")
            value = self.value(part.value)
            if part.format_spec is None:
                continue
            if not _is_plain_format(part.format_spec):
                raise CheckError("subset", "this format is not allowed", "write one like {x:.1f}")
            if not is_number(value):
                raise CheckError(
                    "type", f"{{{part.value.id}:.1f}} needs a number, not {describe(value)}", "leave :.1f out"
                )
        return Unknown("str")


def _moves(method: Method, args: list[Value]) -> bool:
    """Whether what is said may carry tags, which play animations."""
    return any(
        isinstance(argument, TextArgument) and argument.tags is not None and (not isinstance(text, str) or "^" in text)
        for argument, text in zip(method.args, args, strict=True)
    )


def _is_plain_format(node: ast.expr) -> bool:
    """Whether a format is text alone: one that holds an expression in braces would run it unseen by these checks."""
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return (
        len(parts) == 1
        and isinstance(parts[0], ast.Constant)
        and re.fullmatch(r"\.[0-3]f", str(parts[0].value)) is not None
    )


_ALLOWED = "use numbers, texts, lists, arithmetic, comparisons and calls of the API"
_FORBIDDEN: dict[type[ast.expr], str] = {
    ast.Lambda: "lambda is",
    ast.ListComp: "a comprehension is",
    ast.SetComp: "a comprehension is",
    ast.DictComp: "a comprehension is",
    ast.GeneratorExp: "a comprehension is",
    ast.Attribute: "an attribute is",
    ast.NamedExpr: ":= is",
    ast.IfExp: "'if' inside an expression is",
    ast.Dict: "a dictionary is",
    ast.Set: "a set is",
    ast.Await: "await is",
    ast.Yield: "yield is",
    ast.YieldFrom: "yield is",
    ast.Starred: "* is",
}
