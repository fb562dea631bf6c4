"""Builds the messages that ask a model for a behaviour program.

Everything before the user's turn is made from the catalogue alone and is the same, byte for byte, for every request to
a robot: engines keep it in their prompt cache, and a small model on a CPU has little to read anew.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from services.behavior.catalogue import Argument, Catalogue, EnumArgument, JointArgument, Method, NumberArgument
from services.behavior.schema import BehaviorRequest, Scene

Message = dict[str, Any]

_RULES = """\
Program the {title}. Answer only with plan comments "# Step n: goal | target: x | prefer: y | avoid: z", \
each followed by calls of this API (metres, radians, x ahead, y left; if and for i in range(3) allowed). \
Unsafe or impossible: "# Refuse: reason" and say why.
{api}
scene.position(name) -> x, y, z; scene.distance(name); scene.bearing(name)
{names}"""


def build_messages(catalogue: Catalogue, request: BehaviorRequest) -> list[Message]:
    """OpenAI-style chat messages: the API card, the examples, then the scene and the instruction."""
    text = _turn(request.scene, request.instruction)
    content: str | list[dict[str, Any]] = text
    if request.image is not None:
        content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": request.image}}]
    shared = [{"role": role, "content": words} for role, words in _shared(catalogue)]
    return [*shared, {"role": "user", "content": content}]


@lru_cache(maxsize=64)
def _shared(catalogue: Catalogue) -> tuple[tuple[str, str], ...]:
    turns = [("system", api_card(catalogue))]
    for example in catalogue.examples:
        turns.append(("user", _turn(example.scene, example.instruction)))
        turns.append(("assistant", example.program.strip()))
    return tuple(turns)


def api_card(catalogue: Catalogue) -> str:
    """The rules, the most useful methods and the names that they take, in as few tokens as it goes."""
    shown = [(service, method) for service, method in catalogue.calls if method.card == "small"]
    enums = dict.fromkeys(arg.values for _, method in shown for arg in method.args if isinstance(arg, EnumArgument))
    names = [f"{name}: {', '.join(enum.card or enum.values)}" for name in enums for enum in [catalogue.enums[name]]]
    if any(isinstance(argument, JointArgument) for _, method in shown for argument in method.args):
        names.append(f"joint: {', '.join(catalogue.offered_joints)}")
    api = "\n".join(_signature(service, method) for service, method in shown)
    return _RULES.format(title=catalogue.title, api=api, names="\n".join(names))


def _signature(service: str, method: Method) -> str:
    return f"{service}.{method.name}({', '.join(_argument(argument) for argument in method.args)})"


def _argument(argument: Argument) -> str:
    if isinstance(argument, EnumArgument):
        return argument.values
    if isinstance(argument, JointArgument):
        return "joint"
    if isinstance(argument, NumberArgument) and argument.min is not None and not argument.unit:
        return f"{argument.name} {argument.min:g}-{argument.max:g}"
    return argument.name


def _turn(scene: Scene, instruction: str) -> str:
    """The user's turn: what the robot perceives on one line, the instruction on another."""
    things = [
        f"{neutralise(item.name)} ({', '.join(f'{coordinate:g}' for coordinate in item.position)})"
        for item in [*scene.objects, *scene.people]
    ]
    if scene.posture is not None:
        things.append(f"posture {neutralise(scene.posture)}")
    if scene.battery is not None:
        things.append(f"battery {scene.battery}%")
    perceived = f"Scene: {'; '.join(things)}\n" if things else ""
    return f"{perceived}Instruction: {neutralise(instruction)}"


# How chat templates mark turns: <|im_end|>, </s>, <start_of_turn>, <<SYS>>, [INST]. Engines read these marks wherever
# they stand, so text from outside must not carry any.
_ANGLE_MARK = re.compile(r"<(?=[^\s\d=])")
_SQUARE_MARK = re.compile(r"\[(?=/?[A-Z_]+\])")


def neutralise(text: str) -> str:
    """Text from outside on one line and without the marks of any chat template."""
    return _SQUARE_MARK.sub("(", _ANGLE_MARK.sub("‹", " ".join(text.split())))
