"""The quick start's command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

#: What each robot does when nothing else is asked of it.
DEFAULT_INSTRUCTIONS = {"nao": "Wave and say hello", "porter": "Go to the bedroom and say good night"}
#: What each robot perceives when nothing else is told: things to be asked for, none in the way of a walk. Each costs
#: the model time to read, so they are few, and their places are short.
DEFAULT_SCENES: dict[str, dict[str, Any]] = {
    "nao": {
        "objects": [
            {"name": "red ball", "position": [1.0, 0.5, 0.0]},
            {"name": "chair", "position": [1.0, -1.0, 0.0]},
        ],
        "people": [{"name": "person", "position": [2.0, 1.0, 0.0]}],
    },
    "porter": {},
}

EXAMPLE_SCENE = json.dumps({"objects": [{"name": "red ball", "position": [1.0, 0.5, 0.0]}]})

EXAMPLES = """\
examples:
  scripts/quickstart                                   wave and say hello
  scripts/quickstart "Walk forward one metre"
  scripts/quickstart "Look at the red ball"            it is there: see --scene
  scripts/quickstart --robot porter "Go to the kitchen and say hello"
  scripts/quickstart --json "Say good morning to everybody" | jq .actions
  scripts/quickstart --keep --port 8000                then talk to it with curl; Ctrl-C ends it

The first run installs the packages (about 190 MB) into .venvs/; later runs start in seconds. Everything runs on this
machine and on loopback only: a Redis-protocol store, llama.cpp with a small model, a simulated NAO that speaks the real
NAOqi protocol, the worker and the router. Nothing keeps running afterwards.

exit status: 0 the robot did it, or the engine refused with a reason; 1 it did not work, and standard error says why;
2 wrong usage. PYTHON=/path/to/python chooses the Python (3.11 or 3.12, with pip).
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Command-line arguments; exits with status 2 on wrong ones."""
    parser = argparse.ArgumentParser(
        prog="scripts/quickstart",
        description="Turns an instruction in plain words into a checked program and runs it on a simulated robot.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = DEFAULT_INSTRUCTIONS["nao"]
    parser.add_argument("instruction", nargs="*", metavar="INSTRUCTION", help=f'default: "{default}"')
    parser.add_argument(
        "--robot",
        choices=[*DEFAULT_INSTRUCTIONS],
        default="nao",
        help="the simulated NAO, or a Porter, which drives between rooms and carries things (default: nao)",
    )
    parser.add_argument(
        "--scene",
        metavar="JSON",
        help="what the robot perceives, as in a request to the API; '{}' is nothing "
        f"(default for NAO: {', '.join(names(DEFAULT_SCENES['nao']))})",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the result document alone; the rest is on standard error"
    )
    parser.add_argument("--keep", action="store_true", help="leave everything up until Ctrl-C and print the addresses")
    parser.add_argument("--port", type=_port, default=0, help="the router's port (default: any free one)")
    options = parser.parse_args(arguments)
    _check(parser, options)
    return options


def names(scene: dict[str, Any]) -> list[str]:
    """The things and the people of a scene."""
    return [item["name"] for key in ("objects", "people") for item in scene.get(key, [])]


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Complete the instruction and the scene. What is wrong with them is not left to the router, which is up late."""
    from pydantic import ValidationError  # not needed, nor there yet, for --help

    from services.behavior.schema import MAX_INSTRUCTION_CHARACTERS, Scene

    given = options.instruction
    options.instruction = " ".join(given).strip() if given else DEFAULT_INSTRUCTIONS[options.robot]
    if not 1 <= len(options.instruction) <= MAX_INSTRUCTION_CHARACTERS:
        length = len(options.instruction)
        parser.error(f"the instruction has {length} characters; give it 1 to {MAX_INSTRUCTION_CHARACTERS}")
    scene = json.dumps(DEFAULT_SCENES[options.robot]) if options.scene is None else options.scene
    try:
        options.scene = Scene.model_validate_json(scene).model_dump(exclude_unset=True)
    except ValidationError as error:
        parser.error(f"--scene: {scene_trouble(error)}; one that is right: --scene '{EXAMPLE_SCENE}'")


def scene_trouble(error: ValidationError) -> str:
    """Where a scene is wrong first, and how."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the scene'}: {first['msg']}"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a port; use a number from 1 to 65535")
