"""How people really type: case, punctuation, emoji, slips of the keyboard and of the Chinese input method."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from services.training.dataset.task import Language

_TABLES = tomllib.loads(Path(__file__).with_name("slips.toml").read_text(encoding="utf-8"))
#: Simplified characters that have a traditional form.
_TRADITIONAL = str.maketrans(_TABLES["traditional"]["simplified"], _TABLES["traditional"]["traditional"])
#: Words that are typed as others that sound the same.
_HOMOPHONES: dict[str, str] = _TABLES["homophones"]
_SHORT: dict[str, str] = _TABLES["short"]
_EMOJI: list[str] = _TABLES["emoji"]["any"]
#: What stands between quotation marks is to be said letter by letter, so nothing in it is changed.
_QUOTED = re.compile(r"(\"[^\"]*\"|“[^”]*”|「[^」]*」|'[^']*'(?=\W|$))")
_ASKS = re.compile("吗|呢$|什么|谁|哪|几|多少|怎么|[好行能]不[好行能]|不$|没$")
_ENDS = "。！？?!~.…"
_NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip


def slip(rng: random.Random, text: str, language: Language) -> str:
    """The text with the case, punctuation and typing errors that come about."""
    text = _chinese(rng, text) if language == "zh" else _english(rng, text)
    return f"{text} {rng.choice(_EMOJI)}" if rng.random() < 0.03 else text


def _english(rng: random.Random, text: str) -> str:
    style = rng.choices(["sentence", "lower", "upper", "short"], [60, 33, 3, 4])[0]
    if style == "upper":
        return text.upper() + rng.choice(["", "!", "!!"])
    if style == "sentence":
        text = re.sub(r"(^|[.!?] )([a-z])", lambda found: found[1] + found[2].upper(), text)
        if text[-1] not in _ENDS:
            text += rng.choices([".", "!", "", "..."], [45, 14, 40, 1])[0]
    else:
        text = _outside_quotes(text, str.lower)
        if rng.random() < 0.5:
            text = text.rstrip(".!")
    if style == "short":
        text = _outside_quotes(text, _shorten)
    return _mistype(rng, text) if rng.random() < 0.1 else text


def _chinese(rng: random.Random, text: str) -> str:
    if text[-1] not in _ENDS and _ASKS.search(text):
        text += rng.choice(["", "？"])
    elif text[-1] not in _ENDS:
        text += rng.choices(["", "。", "！", "~", "…"], [58, 26, 10, 4, 2])[0]
    chance = rng.random()
    if chance < 0.04:
        return _outside_quotes(text, lambda part: part.translate(_TRADITIONAL))
    if chance < 0.09:
        return _outside_quotes(text, lambda part: _mishear(rng, part))
    if chance < 0.13:
        return _outside_quotes(text, lambda part: re.sub(r"[，、；]", rng.choice([" ", "", ","]), part).rstrip("。"))
    return text


def _outside_quotes(text: str, change: Callable[[str], str]) -> str:
    parts = _QUOTED.split(text)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def _shorten(text: str) -> str:
    return re.sub(r"[a-z']+", lambda word: _SHORT.get(word[0], word[0]), text)


def _mishear(rng: random.Random, text: str) -> str:
    """One word as another that sounds the same."""
    found = [word for word in _HOMOPHONES if word in text]
    if not found:
        return text
    word = rng.choice(found)
    return text.replace(word, _HOMOPHONES[word], 1)


def _mistype(rng: random.Random, text: str) -> str:
    """One slip within a word of some length, outside quotes: a letter left out, doubled, exchanged or mishit."""
    quoted = {place for found in _QUOTED.finditer(text) for place in range(*found.span())}
    places = [
        place
        for place in range(1, len(text) - 1)
        if place not in quoted and text[place - 1 : place + 2].isalpha() and text[place].lower() in _NEIGHBOURS
    ]
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
