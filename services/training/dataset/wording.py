"""From clauses to what a person types: joints between them, politeness and chatter around, slips of the keyboard."""

from __future__ import annotations

import random
from collections.abc import Sequence

from services.training.dataset.phrases import patterns
from services.training.dataset.task import World

_NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip


def join(world: World, clauses: Sequence[str]) -> tuple[str, str]:
    """Several clauses as one text, and the name of the pattern that joins them."""
    pattern = world.random.choice(patterns("join", str(len(clauses)), world.language, "clause"))
    slots = {f"c{number}": clause for number, clause in enumerate(clauses, start=1)}
    return pattern.realise(world.random, slots), pattern.name


def utter(world: World, text: str, *, whole: bool, skeleton: list[str]) -> tuple[str, list[str]]:
    """The text as somebody says it, and the names of all patterns that its words came from."""
    if not whole and world.random.random() < 0.6:
        pattern = world.random.choice(patterns("wrap", "", world.language, "clause"))
        text = pattern.realise(world.random, {"c": text})
        skeleton = [pattern.name, *skeleton]
    return _slip(world, text), skeleton


def _slip(world: World, text: str) -> str:
    """Case, punctuation and typing errors as they come."""
    rng = world.random
    if world.language == "zh":
        return text + rng.choices(["", "。", "！", "~"], [60, 25, 10, 5])[0] if text[-1] not in "。！？?!~" else text
    style = rng.choices(["sentence", "lower", "upper"], [62, 35, 3])[0]
    if style == "sentence":
        text = text[0].upper() + text[1:]
        if text[-1].isalnum():
            text += rng.choices([".", "!", ""], [45, 15, 40])[0]
    elif style == "lower":
        text = text.lower()
    else:
        text = text.upper() + rng.choice(["", "!"])
    if rng.random() < 0.1:
        text = _mistype(rng, text)
    return text


def _mistype(rng: random.Random, text: str) -> str:
    """One slip within a word of some length, outside quotes: a letter left out, doubled, exchanged or mishit."""
    quoted = False
    places = []
    for place, letter in enumerate(text):
        quoted ^= letter in '"“”'
        inside = 0 < place < len(text) - 1 and text[place - 1].isalpha() and text[place + 1].isalpha()
        if not quoted and inside and letter.lower() in _NEIGHBOURS:
            places.append(place)
    if not places:
        return text
    place = rng.choice(places)
    letter = text[place]
    match rng.choice(["out", "doubled", "exchanged", "mishit"]):
        case "out":
            middle = ""
        case "doubled":
            middle = letter * 2
        case "exchanged":
            return text[:place] + text[place + 1] + letter + text[place + 2 :]
        case _:
            middle = rng.choice(_NEIGHBOURS[letter.lower()])
    return text[:place] + middle + text[place + 1 :]
