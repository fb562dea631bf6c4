"""Builds the messages that ask a model for a behaviour program.

Everything before the user's turn is made from the catalogue alone and is the same, byte for byte, for every request to
a robot: engines keep it in their prompt cache, and a small model on a CPU has little to read anew.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from services.behavior.api_card import api_card
from services.behavior.catalogue import Catalogue
from services.behavior.errors import ProgramError
from services.behavior.methods import CardSize
from services.behavior.schema import BehaviorRequest, Scene, SceneItem

Message = dict[str, Any]


def build_messages(
    catalogue: Catalogue, request: BehaviorRequest, card: CardSize = "small", *, constrained: bool = False
) -> list[Message]:
    """OpenAI-style chat messages: the API card, the examples, then the scene and the instruction.

    Args:
        catalogue: the robot's.
        request: the instruction, the scene and perhaps an image.
        card: how much of the API is shown; a model with little room, or of little skill, does better with less.
        constrained: whether a grammar will hold the model, so that the card shows only what that lets it write.
    """
    text = _turn(request.scene, request.instruction)
    content: str | list[dict[str, Any]] = text
    if request.image is not None:
        content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": request.image}}]
    shared = [{"role": role, "content": words} for role, words in _shared(catalogue, card, constrained)]
    return [*shared, {"role": "user", "content": content}]


def tuned_messages(request: BehaviorRequest) -> list[Message]:
    """The messages for a model that was fine-tuned for the robot: it knows the API, so they say nothing about it."""
    return [
        {"role": "system", "content": f"Program the robot {request.robot}."},
        {"role": "user", "content": _turn(request.scene, request.instruction)},
    ]


def repair_messages(messages: list[Message], written: str, finding: ProgramError) -> list[Message]:
    """The messages that ask once more, with the program so far and what the checks found in it.

    What was asked before stands unchanged at their beginning, so that engines have it in their prompt cache.

    Args:
        messages: those that the program answered.
        written: the program up to and with the line at fault.
        finding: what is wrong with it.
    """
    place = finding.code if finding.line is None else f"{finding.code}, line {finding.line}"
    words = neutralise(f"Wrong ({place}): {finding}.")
    return [
        *messages,
        {"role": "assistant", "content": "\n".join(map(_unmarked, written.splitlines()))},
        {"role": "user", "content": f"{words}\nWrite the whole program again without that fault."},
    ]


@lru_cache(maxsize=64)
def _shared(catalogue: Catalogue, card: CardSize, constrained: bool) -> tuple[tuple[str, str], ...]:
    turns = [("system", api_card(catalogue, card, constrained=constrained))]
    for example in catalogue.examples:
        turns.append(("user", _turn(example.scene, example.instruction)))
        turns.append(("assistant", example.program.strip()))
    return tuple(turns)


def _turn(scene: Scene, instruction: str) -> str:
    """The user's turn: what the robot perceives on one line, the instruction on another."""
    things = [_thing(item) for item in [*scene.objects, *scene.people]]
    if scene.posture is not None:
        things.append(f"posture {neutralise(scene.posture)}")
    if scene.battery is not None:
        things.append(f"battery {scene.battery}%")
    if scene.free_space is not None:
        things.append(f"free space {scene.free_space:g} m")
    perceived = f"Scene: {'; '.join(things)}\n" if things else ""
    return f"{perceived}Instruction: {neutralise(instruction)}"


def _thing(item: SceneItem) -> str:
    place = f"{neutralise(item.name)} ({', '.join(f'{coordinate:g}' for coordinate in item.position)})"
    return place if item.facing is None else f"{place} facing {item.facing:g}"


# How chat templates mark turns: <|im_end|>, </s>, <start_of_turn>, <<SYS>>, [INST], [gMASK], [|user|], ]~b]user.
# Engines read these marks wherever they stand, so text from outside must not carry any.
_ANGLE_MARK = re.compile(r"<(?=[^\s\d=])")
_SQUARE_MARK = re.compile(r"\[(?=/?(?:[A-Z_]+|[gs]MASK|(?:unused|control_)\d+)\]|\||e~\[)")
_TILDE_MARK = re.compile(r"\](?=~)")


def neutralise(text: str) -> str:
    """Text from outside on one line and without the marks of any chat template."""
    return _unmarked(" ".join(text.split()))


def _unmarked(text: str) -> str:
    return _TILDE_MARK.sub(")", _SQUARE_MARK.sub("(", _ANGLE_MARK.sub("‹", text)))
