"""From clauses to what a person types: joints between them, politeness and chatter around."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.training.dataset.phrases import draw, patterns
from services.training.dataset.slips import slip
from services.training.dataset.task import World

#: So often an order is wrapped ("please …") and a whole sentence has something said around it ("Hi! …").
_WRAPPED, _AROUND = 0.55, 0.25
#: What keeps its capital within a sentence.
_CAPITAL = re.compile(r"I\b|[A-Z][A-Z]|NAO|Nao|LED")

#: How a text begins before which nothing can be put: a list of orders, or a sentence of its own.
_OPENS = re.compile(
    r"1[.:、]? |[-*①] |a\) |step |(two|three|four|do two) things|(start|begin) (off )?(like|with) this"
    r"|(one|plan|sequence|routine): |to-do list|part one|both please"
    r"|(I|I'd|you|can|could|should|please|correction|forget|everyone)\b"
    r"|(the plan|instead of|not this|no need|once|when|as|after|before)\b"
    r"|第|一、|首先|请|麻烦|你|我|在你|刚|忘了|原计划|与其|别人|要|待会儿"
    r"|做[两三]|[两三四]件事|步骤|流程|计划|按顺序|依次"
)


def join(world: World, clauses: Sequence[str], *, apart: bool = False) -> tuple[str, str]:
    """Several clauses as one text, and the name of the pattern that joins them; the last one may be set apart."""
    if apart:
        *others, last = clauses
        text = join(world, others)[0] if len(others) > 1 else others[0]
        pattern = draw(world.random, patterns("join", "apart", world.language, "clause"))
        return pattern.realise(world.random, {"others": text, "last": last}), pattern.name
    pattern = draw(world.random, patterns("join", str(len(clauses)), world.language, "clause"))
    slots = {f"c{number}": clause for number, clause in enumerate(clauses, start=1)}
    return pattern.realise(world.random, slots), pattern.name


def correct(world: World, wrong: str, right: str) -> tuple[str, str]:
    """An order that is taken back at once and the one that counts, and the name of the pattern that joins them."""
    pattern = draw(world.random, patterns("correct", "", world.language, "clause"))
    return pattern.realise(world.random, {"wrong": wrong, "right": right}), pattern.name


def utter(world: World, text: str, *, whole: bool, skeleton: list[str]) -> tuple[str, list[str]]:
    """The text as somebody says it, and the names of all patterns that its words came from."""
    rng = world.random
    if whole and rng.random() < _AROUND:
        pattern = draw(rng, patterns("around", "", world.language, "whole"))
        if text[-1].isalnum() and not pattern.text.endswith(("{w}", "{l}")):
            text += "."
        text = pattern.realise(rng, {"w": text, "l": text if _CAPITAL.match(text) else text[0].lower() + text[1:]})
        skeleton = [pattern.name, *skeleton]
    elif not whole and not _OPENS.match(text) and rng.random() < _WRAPPED:
        pattern = draw(rng, patterns("wrap", "", world.language, "clause"))
        text = pattern.realise(rng, {"c": text})
        skeleton = [pattern.name, *skeleton]
    return slip(rng, text, world.language), skeleton
