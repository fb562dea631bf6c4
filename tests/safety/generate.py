"""Programs nobody wrote: sampled from the grammars, mutated from good ones, and put together from the catalogues."""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Any

from services.behavior.catalogue import load_catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.schema import Scene, SceneItem
from tests.safety.oracle import oracle
from tests.unit.behavior.gbnf_sampler import Grammar

#: What is perceived: nothing, things to go to, or things too far away and names that are hard to write.
SCENES = {
    "nothing": Scene(),
    "near things": Scene(
        objects=[SceneItem(name="red ball", position=[0.7, 0.6, 0.0])],
        people=[SceneItem(name="Zoë", position=[0.8, -0.7, 0.0])],
        posture="Stand",
        battery=80,
    ),
    "far things": Scene(
        objects=[
            SceneItem(name="it's a {box}", position=[9.0, -2.0, 0.5]),
            SceneItem(name="日本の 箱 #1", position=[-2.5, 0.4, 0.0]),
        ],
        free_space=1.0,
    ),
}

#: What no grammar can tell, because the numbers of the scene decide it: where a walk or a place ends.
DECIDED_BY_NUMBERS = frozenset(f"program.{code}" for code in ("range", "arithmetic", "obstacle", "space"))

_FRAGMENTS = (
    *(
        "(",
        ")",
        "[",
        "]",
        '"',
        "'",
        "\\",
        "#",
        ":",
        ",",
        ".",
        "\n",
        "\n    ",
        " ",
        ";",
        "=",
        "**",
        "-",
        "--",
        "{",
        "}",
        "f",
    ),
    *("import os", "__class__", "lambda: 0", "while True:", "# Refuse: no", "# Step 1: x", "```", "None", "True"),
    *("ALMotion.killAll()", "9" * 20, "1e999", "\x00", "\u202e", "\ud800", "\u2028", "ｘ", "\t", "\r"),
)


def as_it_stands(robot: str) -> Scene:
    """A scene that says how the robot of the trial stands, as running a program knows, and nothing else."""
    return Scene(posture="Stand" if load_catalogue(robot).postures is not None else None)


@cache
def grammar(robot: str, scene: str) -> Grammar:
    """The grammar that an engine is held to, read from its text."""
    return Grammar(build_gbnf(load_catalogue(robot), SCENES[scene]))


def sampled(robot: str, scene: str, seed: int) -> str:
    """A random program of the grammar."""
    return grammar(robot, scene).sample(random.Random(seed))


def mutated(text: str, chance: random.Random) -> str:
    """The program with a few things wrong with it."""
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(_MUTATIONS)(text, chance)
    return text


def _swap_tokens(text: str, chance: random.Random) -> str:
    tokens = re.findall(r"\w+|\s+|[^\w\s]", text)
    if len(tokens) > 1:
        one, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
        tokens[one], tokens[other] = tokens[other], tokens[one]
    return "".join(tokens)


def _edit(text: str, chance: random.Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(_FRAGMENTS) + text[at + chance.randint(0, 3) :]


def _repeat_line(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    line = chance.choice(lines) if lines else ""
    lines.insert(chance.randint(0, len(lines)), line * chance.choice((1, 1, 2, 60)))
    return "".join(lines)


def _drop_line(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[chance.randrange(len(lines))]
    return "".join(lines)


def _scale_number(text: str, chance: random.Random) -> str:
    numbers = list(re.finditer(r"\d+(\.\d+)?", text))
    if not numbers:
        return text
    number = chance.choice(numbers)
    scaled = float(number[0]) * chance.choice((-1.0, 0.0, 10.0, 57.3, 1000.0, 1e300))
    return f"{text[: number.start()]}{scaled!r}{text[number.end() :]}"


_MUTATIONS = (_swap_tokens, _edit, _repeat_line, _drop_line, _scale_number)


def lone_call(robot: str, chance: random.Random) -> str:
    """One call with arguments written out: mostly right, now and then one that is not."""
    judge = oracle(robot)
    call = chance.choice(sorted(judge.methods))
    form = chance.choice(judge.methods[call])
    names = {argument["joints"]: argument for argument in form["args"] if "joints" in argument}
    named = _joints(judge, chance)
    args = [
        named if argument["name"] in names else _argument(judge, argument, named, chance) for argument in form["args"]
    ]
    if chance.random() < 0.1 and args:
        args[chance.randrange(len(args))] = chance.choice((True, None, "", "x", 7, -0.5, [], [0.1], ["HeadYaw"]))
    if chance.random() < 0.03:
        args = args[:-1]
    return f"{call}({', '.join(map(repr, args))})"


def _joints(judge: Any, chance: random.Random) -> Any:
    """A joint, some joints or a chain; nothing for a robot without."""
    joints, chains = judge.document.get("joints", {}), judge.document.get("chains", {})
    if not joints:
        return []
    some = chance.sample(sorted(joints), chance.randint(1, 3))
    return chance.choice((some, some[0], chance.choice(sorted(chains))))


def _argument(judge: Any, argument: dict[str, Any], named: Any, chance: random.Random) -> Any:
    kind, shape = argument["type"], argument.get("shape", "one")
    if kind == "bool":
        return chance.random() < 0.5
    if kind == "enum":
        return chance.choice(judge.names[argument["values"]])
    if kind == "joint":
        return named
    if kind == "str":
        texts = ["Hello", "日本", "a" * argument["max_length"], "random", "/usr/share/naoqi/wav/random.wav", "a\\b"]
        return [chance.choice(texts), "yes"] if shape == "list" else chance.choice(texts)
    if "joints" in argument:
        limits = judge.joints_of(named) or [{"min": 0.0, "max": 1.0}]
        angles = [
            round(chance.uniform(joint["min"], joint["max"]) * chance.choice((1, 1, 1, 1.3)), 3) for joint in limits
        ]
        return angles[0] if len(angles) == 1 and chance.random() < 0.5 else angles
    low, high = argument["min"], argument["max"]
    number = chance.choice((low, high, low + (high - low) * chance.random(), high * 1.2 + 1, low - 1.0))
    number = int(number) if argument["type"] == "int" else round(float(number), 3)
    count = {"one": 0, "one_or_list": 0, "triple": 3, "series": 0}[shape]
    if shape == "series" and isinstance(named, list):
        count = len(named)
    return [number] * count if count else number
