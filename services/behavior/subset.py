"""Checks the statements of a behaviour program, one complete statement at a time, without running them.

The subset: assignments, calls of the API, ``if``, and ``for`` over a short range or a list written out. Names keep
their meaning from statement to statement, so one ``StatementChecker`` serves one program.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence

from services.behavior import operators
from services.behavior.catalogue import Catalogue
from services.behavior.errors import CheckError, program_error
from services.behavior.expressions import Expressions
from services.behavior.functions import FUNCTIONS
from services.behavior.scene import SceneView
from services.behavior.schema import PlanStep
from services.behavior.targets import Targets
from services.behavior.values import Unknown, Value, describe, effort_of_joining, item_kind, join, kind_of

MAX_STATEMENTS = 100
MAX_NESTING = 3
MAX_LOOP = 20
_LARGEST_BOUND = 1_000_000
_THERE = "the services and scene are there already; to wait, write time.sleep(3.0)"
_WRITE = "write calls, assignments, if and for only"

# What is not allowed, and what to write instead.
_FORBIDDEN = {
    "While": ("while is not allowed", "use: for i in range(3):"),
    "FunctionDef": ("def is not allowed", "write the calls out"),
    "AsyncFunctionDef": ("def is not allowed", "write the calls out"),
    "ClassDef": ("class is not allowed", "write the calls out"),
    "Import": ("import is not allowed", _THERE),
    "ImportFrom": ("import is not allowed", _THERE),
    "Try": ("try is not allowed", "a failing call ends the behaviour"),
    "With": ("with is not allowed", "remove it"),
    "Delete": ("del is not allowed", "remove it"),
    "Global": ("global is not allowed", "remove it"),
    "Nonlocal": ("nonlocal is not allowed", "remove it"),
    "Raise": ("raise is not allowed", "remove it"),
    "Assert": ("assert is not allowed", "use if"),
    "Return": ("return is not allowed", "the program ends after its last line"),
    "Break": ("break is not allowed", "loop fewer times"),
    "Continue": ("continue is not allowed", "use if"),
    "Pass": ("pass is not needed", "remove it"),
    "AnnAssign": ("type annotations are not allowed", "write: name = value"),
}


class StatementChecker:
    """Checks the statements of one program in their order."""

    def __init__(self, catalogue: Catalogue, scene: SceneView, targets: Targets | None) -> None:
        self._expressions = Expressions(catalogue, scene, targets)
        self._statements = 0
        self._line = 0

    def refuse(self) -> None:
        """From here on only speech is allowed."""
        self._expressions.refused = True

    def begin(self, step: PlanStep) -> None:
        """The statements that follow belong to this step of the plan."""
        self._expressions.step = step

    def check(self, source: str, line: int) -> None:
        """Check one statement whose first line is ``line`` of the program.

        Raises:
            ProgramError: the statement is not allowed, or would fail on the robot.
        """
        self._line = line
        try:
            body = _parse(source, line)
            if len(body) != 1:
                raise CheckError("syntax", "the line holds several statements", "write one statement on a line")
            self._statement(body[0], line - 1, depth=0)
        except CheckError as error:
            raise program_error(error, self._line, source) from None
        except (RecursionError, MemoryError):
            deep = CheckError("nesting", "the expression is nested too deeply", "write it in several statements")
            raise program_error(deep, line, source) from None

    def _statement(self, node: ast.stmt, before: int, depth: int) -> None:
        self._line = self._expressions.line = before + node.lineno
        self._statements += 1
        if self._statements > MAX_STATEMENTS:
            raise CheckError("length", f"the program has more than {MAX_STATEMENTS} statements", "make it shorter")
        if isinstance(node, ast.If | ast.For) and depth >= MAX_NESTING:
            raise CheckError("nesting", f"if and for are nested more than {MAX_NESTING} deep", "nest them less")
        if isinstance(node, ast.Expr):
            self._expression(node.value)
        elif isinstance(node, ast.Assign):
            self._assign(node)
        elif isinstance(node, ast.AugAssign):
            self._augmented(node)
        elif isinstance(node, ast.If):
            self._if(node, before, depth)
        elif isinstance(node, ast.For):
            self._for(node, before, depth)
        else:
            raise CheckError(
                "subset", *_FORBIDDEN.get(type(node).__name__, ("this statement is not allowed", "remove it"))
            )

    def _expression(self, node: ast.expr) -> None:
        if not isinstance(node, ast.Call):
            raise CheckError("subset", "this line does nothing", "call a method of a service or assign the value")
        self._expressions.call(node)

    def _assign(self, node: ast.Assign) -> None:
        if len(node.targets) != 1:
            raise CheckError("subset", "several names get one value", "assign one value at a time: a = 1")
        target = node.targets[0]
        value = self._expressions.value(node.value)
        if kind_of(value) == "none":
            raise CheckError("type", "there is no value to assign", "call the method without assigning")
        if isinstance(target, ast.Tuple | ast.List):
            for name, item in zip(target.elts, _unpacked(value, len(target.elts)), strict=True):
                self._set(name, item)
        else:
            self._set(target, value)

    def _augmented(self, node: ast.AugAssign) -> None:
        if not isinstance(node.target, ast.Name):
            raise CheckError("subset", "only plain names can be assigned to", "write: name = value")
        current = self._expressions.value(ast.Name(node.target.id, ast.Load()))
        self._set(node.target, operators.binary(node.op, current, self._expressions.value(node.value)))

    def _set(self, target: ast.expr, value: Value) -> None:
        if not isinstance(target, ast.Name):
            raise CheckError("subset", "only plain names can be assigned to", "write: name = value")
        name = target.id
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}", name):
            raise CheckError("name", f"{name[:50]!r} is no good name", "begin with a letter, at most 40 characters")
        if name in FUNCTIONS or name == "scene" or name in self._expressions.catalogue.services:
            raise CheckError("name", f"{name!r} is taken", "choose another name")
        self._expressions.names[name] = value

    def _if(self, node: ast.If, before: int, depth: int) -> None:
        state = self._expressions
        state.value(node.test)
        names, robot = dict(state.names), state.sequence.state.copy()
        for inner in node.body:
            self._statement(inner, before, depth + 1)
        then_names, then_robot = state.names, state.sequence.state
        state.names, state.sequence.state = names, robot
        for inner in node.orelse:
            # elif is an if alone in the else branch: no deeper to a reader.
            is_elif = len(node.orelse) == 1 and isinstance(inner, ast.If)
            self._statement(inner, before, depth if is_elif else depth + 1)
        state.sequence.state = state.sequence.state.join(then_robot)
        both = [(name, value, then_names[name]) for name, value in state.names.items() if name in then_names]
        state.spend(sum(effort_of_joining(first, second) for _, first, second in both))
        state.names = {name: join(first, second) for name, first, second in both}

    def _for(self, node: ast.For, before: int, depth: int) -> None:
        if node.orelse:
            raise CheckError("subset", "else after for is not allowed", "write what follows after the loop")
        statements = self._statements
        # Every turn is followed: loops are short, and so what they add up to is known.
        for item in self._loop_items(node.iter):
            self._statements = statements
            self._set(node.target, item)
            for inner in node.body:
                self._statement(inner, before, depth + 1)

    def _loop_items(self, node: ast.expr) -> Sequence[Value]:
        if isinstance(node, ast.List | ast.Tuple):
            items = self._expressions.value(node)
            if not 1 <= len(items) <= MAX_LOOP:
                raise CheckError("loop", f"the loop runs over {len(items)} items", f"give it 1 to {MAX_LOOP}")
            return list(items)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
            values = [item.value if isinstance(item, ast.Constant) else None for item in node.args]
            bounds = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
            if node.keywords or len(bounds) != len(values) or not 1 <= len(bounds) <= 3 or bounds[2:] == [0]:
                raise CheckError("loop", "range takes whole numbers written out", "write range(3)")
            if any(abs(bound) > _LARGEST_BOUND for bound in bounds) or not 1 <= len(range(*bounds)) <= MAX_LOOP:
                raise CheckError(
                    "loop", f"the loop does not run 1 to {MAX_LOOP} times", f"write range({MAX_LOOP}) at most"
                )
            return range(*bounds)
        raise CheckError(
            "loop", "a loop runs over a range or a list written out", "write range(3), or: for side in [-1.0, 1.0]:"
        )


def _parse(source: str, line: int) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python only warns of is an error in a program nobody has read
            return ast.parse(source).body
    except SyntaxError as error:
        at = line + (error.lineno or 1) - 1
        fault = CheckError("syntax", f"not a statement of the program: {error.msg}", _WRITE)
        raise program_error(fault, at, source) from None
    except ValueError as error:
        raise CheckError("syntax", f"not a statement of the program: {error}", _WRITE) from None


def _unpacked(value: Value, places: int) -> list[Value]:
    if kind_of(value) not in ("list", "any"):
        raise CheckError("type", f"{describe(value)} cannot be unpacked into {places} names", "use one name")
    if isinstance(value, Unknown):
        return [Unknown(item_kind(value))] * places
    if len(value) != places:
        raise CheckError(
            "type", f"{len(value)} values cannot be unpacked into {places} names", f"use {len(value)} names"
        )
    return list(value)
