"""What the static checks let through, and what they say of the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.behavior.program import Item, ProgramError

Read = Callable[[str], list[Item]]
Fault = Callable[[str], ProgramError]

PASSES = [
    "x, y, z = scene.position('red ball')\nALMotion.moveTo(x - 0.25, y, 0.0)",
    "d = scene.distance('Anna') / 4\nALMotion.moveTo(d, 0.0, scene.bearing('Anna'))",
    "d = 0.5\nALTextToSpeech.say(f'It is {d:.1f} metres, {d} in full')",
    "name = 'Anna'\nALTextToSpeech.say('Hello ' + name)",
    "for side in [-1.0, 1.0]:\n    ALMotion.moveTo(0.0, 0.2 * side, 0.0)",
    "for i in range(0, 4, 2):\n    ALMotion.moveTo(0.1 * i, 0.0, 0.0)",
    "x = 0\nfor i in range(3):\n    x += 0.1\nALMotion.moveTo(x, 0.0, 0.0)",
    "if ALBattery.getBatteryCharge() < 20 and not ALMotion.robotIsWakeUp():\n    ALMotion.rest()",
    "if True:\n    x = 1\nelif False:\n    x = 2.0\nelse:\n    x = 3\nALMotion.moveTo(x, 0, 0)",
    "angles = ALMotion.getAngles('Head', True)\nALMotion.setAngles('HeadYaw', angles[0], 0.1)",
    "left, right = ALSonar.getFilteredValues()\nif min(left, right) > 0.5:\n    ALMotion.moveTo(0.3, 0.0, 0.0)",
    "v = ALMemory.getData('FrontTactilTouched')\nif v == 1.0:\n    ALTextToSpeech.say('Ouch')",
    "p = [0.1, 0.2]\nALMotion.moveTo(p[0], p[-1], max(p))",
    "ALMotion.setAngles(['HeadYaw', 'HeadPitch'], [0.5, 0.1], 0.2)",
    "names = ['HeadYaw', 'HeadPitch']\nALMotion.setAngles(names, [0.5, 0.1], 0.2)",
    "ok = ALRobotPosture.goToPosture('Sit', 0.5)\nif ok:\n    ALTextToSpeech.say('Done')",
    "n = len('abc') + int(2.5) + round(2.5) + abs(-1)\nALAudioPlayer.playSine(440, n, 0, 1.0)",
    "ALTextToSpeech.say('It\\'s \"fine\" 日本')",
    "match = 0.1\nALMotion.moveTo(match, 0.0, 0.0)",
    "x = 1.0\nALTextToSpeech.say(f'日{x}本 {{日本}} {x:.2f}' '{日本}')",
    # Where the head is at the second time is not known before it runs.
    "a = ALMotion.getAngles('HeadYaw', True)\n"
    "ALMotion.angleInterpolation('Head', [[1.5, a[0]], [0.0, 0.5]], [[1.0, 2.0], [1.0, 2.0]], True)",
    # Where things are after a walk is followed.
    "ALMotion.moveTo(-0.9, 0.0, 0.0)\nx, y, z = scene.position('door')\nALMotion.moveTo(x - 0.3, y, 0.0)",
    "for i in range(2):\n    x, y, z = scene.position('door')\n    ALMotion.moveTo(x / 2, y / 2, 0.0)",
    # Where the robot is after a walk of unknown length is not known, and neither is where things are.
    "left, right = ALSonar.getFilteredValues()\nALMotion.moveTo(left, 0.0, 0.0)\n"
    "x, y, z = scene.position('door')\nALMotion.moveTo(x + 2.0, y, 0.0)",
]

FAULTS: list[tuple[str, str, int, str]] = [
    # Outside the subset
    ("import os", "subset", 1, "import is not allowed"),
    ("from os import system", "subset", 1, "import is not allowed"),
    ("def f():\n    ALMotion.rest()", "subset", 1, "def is not allowed"),
    ("while True:\n    ALMotion.rest()", "subset", 1, "range(3)"),
    ("with open('x'):\n    ALMotion.rest()", "subset", 1, "with is not allowed"),
    ("if True:\n    import os", "subset", 2, "import is not allowed"),
    ("if True:\n    for i in range(2):\n        break", "subset", 3, "break is not allowed"),
    ("x = [i for i in [1]]", "subset", 1, "comprehension"),
    ("x = lambda: 1", "subset", 1, "lambda"),
    ("x = (y := 1)", "subset", 1, ":="),
    ("x = {'a': 1}", "subset", 1, "dictionary"),
    ("x = 1 if True else 2", "subset", 1, "inside an expression"),
    ("x = ALMotion.wakeUp", "subset", 1, "attribute"),
    ("x = ALMotion", "subset", 1, "can only be called"),
    ("x = 'a'.upper()", "subset", 1, "only Service.method"),
    ("x = 'a'\nx.upper()", "subset", 2, "only services and scene have methods"),
    ("x = [1, 2]\ny = x[0:1]", "subset", 2, "slices"),
    ("x = 2 ** 1000", "subset", 1, "+ - * / // %"),
    ("x = ~1", "subset", 1, "~ is not allowed"),
    ("x = 1\nif x is 1:\n    ALMotion.rest()", "subset", 2, "use == or !="),
    ("ALMotion.moveTo(*[1, 2, 3])", "subset", 1, "write the arguments out"),
    ("x = y = 1", "subset", 1, "one value at a time"),
    ("x: int = 1", "subset", 1, "annotations"),
    ("[1][0] = 2", "subset", 1, "plain names"),
    ("a, *b = [1, 2]", "subset", 1, "plain names"),
    ("'just a text'", "subset", 1, "does nothing"),
    ("x = 1\nx", "subset", 2, "does nothing"),
    ("x = '''a'''", "subset", 1, "triple quotes"),
    ("x = range(3)", "subset", 1, "for i in range(3):"),
    ("x = 1.0\nALTextToSpeech.say(f'{x + 1}')", "subset", 2, "plain names in braces"),
    ("x = 1.0\nALTextToSpeech.say(f'{x!r}')", "subset", 2, "plain names in braces"),
    ("x = 1.0\nALTextToSpeech.say(f'{x:>9999999}')", "subset", 2, "like {x:.1f}"),
    ("x = 1.0\nALTextToSpeech.say(f'{x:{x}.1f}')", "subset", 2, "like {x:.1f}"),
    ("x = 1.0\nALTextToSpeech.say(f'{x:{ALMotion.moveTo(x, x, x)}.1f}')", "subset", 2, "like {x:.1f}"),
    ("x = 1.0\nALTextToSpeech.say(f'{x:}')", "subset", 2, "like {x:.1f}"),
    ("ALMotion.moveTo(x=1.0, y=0.0, theta=0.0)", "keyword", 1, "positional"),
    ("for i in range(3):\n    ALMotion.rest()\nelse:\n    ALMotion.rest()", "subset", 1, "else after for"),
    # Not a program
    ("ALMotion.rest(", "syntax", 1, "never closed"),
    ("  ALMotion.rest()", "syntax", 1, "indent"),
    ("x = 1; y = 2", "syntax", 1, "one statement on a line"),
    ("x = 'a", "syntax", 1, "end it with '"),
    ("x = 1 + \\", "syntax", 1, "backslash"),
    ("x = 'a\\n'", "syntax", 1, "may escape quotes only"),
    ("x = 1\rimport os", "syntax", 1, "U+000D"),
    ("ALTextToSpeech.say('\u202eolleh')", "syntax", 1, "U+202E"),
    ("ＡＬＭotion.rest()", "syntax", 1, "outside texts"),
    ("x = 1.0\nALTextToSpeech.say(f'a{ｘ}')", "syntax", 2, "between the braces"),
    ("x = 1.0\nALTextToSpeech.say('a' Rf'{{{ｘ:.1f}')", "syntax", 2, "between the braces"),
    ("else:\n    ALMotion.rest()", "syntax", 1, "not a statement"),
    ("x = 1if True else 2", "syntax", 1, "not a statement"),
    ("Sure! Here is a program:", "syntax", 1, "not a statement"),
    # Names
    ("ALMotion.moveTo(x, 0.0, 0.0)", "name", 1, "'x' is not set"),
    ("red = 1.0\nALMotion.moveTo(rad, 0.0, 0.0)", "name", 2, "did you mean 'red'?"),
    ("if ALMotion.robotIsWakeUp():\n    x = 1.0\nALMotion.moveTo(x, 0.0, 0.0)", "name", 3, "every way"),
    ("print('hi')", "name", 1, "no function 'print'"),
    ("say('hi')", "name", 1, "did you mean ALTextToSpeech.say?"),
    ("len = 3", "name", 1, "is taken"),
    ("scene = 3", "name", 1, "is taken"),
    ("ALMotion = 3", "name", 1, "is taken"),
    ("__x = 3", "name", 1, "begin with a letter"),
    # Calls: the same checks as at run time
    ("ALMotion._shutdown()", "denied", 1, "never allowed"),
    ("ALMotion.killAll()", "denied", 1, "never allowed"),
    ("ALMotoin.rest()", "service", 1, "did you mean 'ALMotion'?"),
    ("ALMotion.moveTwo(1.0, 0.0, 0.0)", "method", 1, "did you mean 'moveTo'?"),
    ("ALMotion.moveTo(1.0)", "arity", 1, "moveTo(x, y, theta)"),
    ("ALMotion.moveTo('1', 0.0, 0.0)", "type", 1, "give a number"),
    ("ALMotion.moveTo(0.0, 0.0, 90)", "degrees", 1, "1.57"),
    ("ALMotion.moveTo(4.0 - 0.5, 0.0, 0.0)", "range", 1, "between -3 and 3 m"),
    ("x, y, z = scene.position('door')\nALMotion.moveTo(x * 2, y, 0.0)", "range", 2, "x is 4 m"),
    ("ALMotion.setAngles('HeadPitch', 0.6, 0.2)", "limit", 1, "between -0.672 and 0.5149"),
    ("ALMotion.setAngles(['HeadYaw', 'HeadPitch'], [1.5, 0.5], 0.2)", "coupling", 1, "HeadYaw at 1.5"),
    ("ALMotion.moveTo(ALRobotPosture.getPosture(), 0.0, 0.0)", "type", 1, "x is a text"),
    ("x = ALMotion.rest()", "type", 1, "no value"),
    (
        "ALMotion.moveTo(-1.5, 0.0, 0.0)\nx, y, z = scene.position('door')\nALMotion.moveTo(x, y, 0.0)",
        "range",
        3,
        "3.5 m",
    ),
    # The scene
    ("x, y, z = scene.position('red bal')", "target", 1, "did you mean 'red ball'?"),
    ("x, y = scene.position('red ball')", "type", 1, "use 3 names"),
    ("x = scene.distance(1)", "type", 1, "in quotes"),
    ("x = scene.find('red ball')", "method", 1, "did you mean"),
    # Values
    ("x = 1 + 'a'", "type", 1, "arithmetic needs numbers"),
    ("x = 'a' * 1000000000", "type", 1, "arithmetic needs numbers"),
    ("x = '%s' % 1", "type", 1, "arithmetic needs numbers"),
    ("x = -'a'", "type", 1, "needs a number"),
    ("x = 1 / 0", "arithmetic", 1, "division by zero"),
    ("x = 1e999", "range", 1, "far too large"),
    ("x = 99999999\nx = x * x", "range", 2, "far too large"),
    ("x = b'a'", "type", 1, "not allowed"),
    ("x = [1][3]", "range", 1, "counted from 0"),
    ("if 'a' < 1:\n    ALMotion.rest()", "type", 1, "compare numbers"),
    ("x = abs('a')", "type", 1, "abs needs a number"),
    ("x = min(1, 'a')", "type", 1, "min needs a number"),
    ("x = int('7')", "type", 1, "int needs a number"),
    ("x = len(3)", "type", 1, "len needs a list"),
    # Bounds
    ("for i in range(21):\n    ALMotion.rest()", "loop", 1, "range(20) at most"),
    ("for i in range(0):\n    ALMotion.rest()", "loop", 1, "1 to 20 times"),
    ("for i in range(1, 9, 0):\n    ALMotion.rest()", "loop", 1, "range(3)"),
    ("n = 3\nfor i in range(n):\n    ALMotion.rest()", "loop", 2, "written out"),
    ("n = [1]\nfor i in n:\n    ALMotion.rest()", "loop", 2, "written out"),
    ("for i in []:\n    ALMotion.rest()", "loop", 1, "give it 1 to 20"),
    (
        "".join(f"{'    ' * depth}for i in range(2):\n" for depth in range(4)) + " " * 16 + "ALMotion.rest()",
        "nesting",
        4,
        "3 deep",
    ),
    ("x = " + "(" * 250 + "1" + ")" * 250, "syntax", 1, "not a statement"),
    ("x = 1\n" * 101, "length", 101, "more than 100 statements"),
    ("x = 1\n" + "# remark\n" * 200, "length", 201, "more than 200 lines"),
    ("# " + "a" * 599, "length", 1, "more than 600 characters"),
]


@pytest.mark.parametrize("text", PASSES)
def test_lets_through(read: Read, text: str) -> None:
    assert read(text)


@pytest.mark.parametrize(
    ("text", "code", "line", "words"), [pytest.param(*case, id=f"{case[1]}-{case[0][:40]!r}") for case in FAULTS]
)
def test_says_what_is_wrong_and_where(fault: Fault, text: str, code: str, line: int, words: str) -> None:
    error = fault(text)
    assert (error.code, error.line) == (f"program.{code}", line), str(error)
    assert words in str(error)
    assert error.suggestion
    if code != "length":
        assert error.statement
        assert error.statement in text


def test_every_turn_of_a_loop_is_followed(fault: Fault) -> None:
    error = fault("x = 0.1\nfor i in range(2):\n    ALMotion.moveTo(x, 0.0, 0.0)\n    x = ALRobotPosture.getPosture()")
    assert (error.code, error.line) == ("program.type", 3)
    error = fault("x = 0.1\nfor i in range(8):\n    ALMotion.setAngles('HeadYaw', x, 0.1)\n    x = x * 2")
    assert (error.code, error.line, error.message) == ("program.limit", 3, "ALMotion.setAngles: HeadYaw is 3.2 rad")


def test_loops_that_would_take_too_many_turns_to_follow_are_refused(fault: Fault) -> None:
    loops = "".join(f"{'    ' * depth}for {name} in range(20):\n" for depth, name in enumerate("abc"))
    assert fault(loops + " " * 12 + "x = a * 400 + b * 20 + c").code == "program.loop"


def test_deep_nesting_of_values_is_no_crash(read: Read, fault: Fault) -> None:
    assert read("x = " + "(" * 199 + "1" + ")" * 199)
    chain = "x = (\n" + "-\n".join(["-" * 500] * 18) + "1)"
    assert fault(chain).code in ("program.nesting", "program.syntax")


def test_repeated_doubling_stays_small(read: Read) -> None:
    assert read("s = 'ab'\n" + "s = s + s\n" * 90 + "ALTextToSpeech.say(s)")


@pytest.mark.parametrize("join", ["x or x", "x and x"])
def test_a_list_cannot_hide_in_a_condition_and_be_put_into_lists_without_end(fault: Fault, join: str) -> None:
    level = f"x = 1\nif ALMotion.robotIsWakeUp():\n    x = [y, y]\ny = {join}\n"
    assert fault("y = [1, 1]\n" + level * 2).code == "program.type"
