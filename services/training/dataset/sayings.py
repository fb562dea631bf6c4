"""What the robot is to say: sentences, messages and questions for somebody, announcements, from ``sayings_*.toml``."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.training.dataset.phrases import Pattern
from services.training.dataset.task import Language, Predicate, Step, Task, World

_FOLDER = Path(__file__).parent
_BOOKS: dict[Language, dict[str, Any]] = {
    language: tomllib.loads((_FOLDER / f"sayings_{language}.toml").read_text(encoding="utf-8"))
    for language in ("en", "zh")
}
#: So often what is to be said is put together at random: the words have to be copied, since none can be known by heart.
_INVENTED = 0.45
_HE = {"he": "he", "his": "his", "him": "him", "is": "is", "has": "has", "s": "s"}
_SHE = {"he": "she", "his": "her", "him": "her", "is": "is", "has": "has", "s": "s"}
_THEY_ZH = {"he": "他们"}
_THEY = {"he": "they", "his": "their", "him": "them", "is": "are", "has": "have", "s": ""}
#: How groups are addressed, where that is not what they are called.
_ADDRESSED = {
    "the kids": "kids",
    "the children": "children",
    "the visitors": "dear visitors",
    "the guests": "dear guests",
    "the class": "class",
    "the audience": "ladies and gentlemen",
    "the students": "students",
    "the team": "team",
    "the patients": "dear patients",
    "the family": "family",
    "all of them": "everyone",
    "the visitors from Japan": "dear visitors from Japan",
    "the first graders": "first graders",
    "the nurses": "dear nurses",
    "the volunteers": "dear volunteers",
    "the winners": "dear winners",
    "the parents": "dear parents",
    "the tourists": "dear tourists",
    "the seniors": "dear seniors",
}
# Capital wherever they stand in a sentence.
_PROPER = {
    "I", "I'm", "I'll", "NAO", "Monday", "Tuesday", "Friday", "Sunday", "Tomorrow", "Paris", "Houston", "Merry",
    "Peter", "Old", "Humpty", "Bon", "Hasta", "Mrs", "Mr", "Ms", "Dr", "Team", "Platform", "Professor", "Uncle",
    "Auntie", "Elvis", "Simon", "Betty", "Rome",
}  # fmt: skip


def names(language: Language) -> list[str]:
    """Names of people."""
    book = _BOOKS[language]
    return [*book["names_f"], *book["names_m"]]


def somebody(world: World) -> tuple[str, str, Mapping[str, str]]:
    """A person or a group: how others name them, how they are addressed, and the pronouns for them."""
    book, rng = _BOOKS[world.language], world.random
    present = [name for name in world.people if rng.random() < 0.5 and not name[0].islower()]
    if present and present[0] in {*book["names_f"], *book["names_m"]}:
        name = present[0]
    elif rng.random() < 0.3:
        group = rng.choice(book["groups"])
        return group, _ADDRESSED.get(group, group), _THEY if world.language == "en" else _THEY_ZH
    else:
        name = rng.choice(book[rng.choice(["names_f", "names_m"])])
    female = name in book["names_f"]
    if world.language == "zh":
        return name, name, {"he": "她" if female else "他"}
    return name, name, _SHE if female else _HE


def sentence(world: World) -> str:
    """A sentence, or a few, with their marks."""
    return capital(_filled(world, "invented" if world.random.random() < _INVENTED else "say"))


def news(world: World) -> str:
    """Something to announce, without the mark at its end."""
    return _filled(world, "news")


def indirect(world: World, kind: str, pronouns: Mapping[str, str]) -> tuple[str, str]:
    """What somebody is to be told, bidden or asked (``kind``): as it is ordered, and as the robot says it."""
    ordered, spoken = _filled(world, kind, pronouns).split(" => ")
    return ordered, to_all(spoken, pronouns)


def to_all(text: str, pronouns: Mapping[str, str]) -> str:
    """The text as it is said to those with the pronouns: Chinese has another you for several."""
    return text.replace("你", "你们") if pronouns is _THEY_ZH else text


def plain(text: str, language: Language) -> str:
    """The words of a sentence as they stand within another, without quotes."""
    text = text.rstrip(".!?。！？")
    first = text.split()[0].rstrip(",")
    keep = first in _PROPER or any(text.startswith(name) for name in names(language))
    return text if keep else text[0].lower() + text[1:]


def simple(text: str, language: Language) -> bool:
    """Whether a sentence can stand within another without quotes."""
    inner = text[:-1]
    if any(mark in inner for mark in ".!?,。！？，"):
        return False
    return len(inner.split()) <= 7 if language == "en" else len(inner) <= 10


def quoted(world: World, text: str) -> str:
    """A text in quotes as people type them, with or without the full stop in it."""
    rng = world.random
    if rng.random() < 0.4:
        text = text.removesuffix(".").removesuffix("。")
    english, chinese = ['""', '""', '""', "“”", "''"], ["“”", "“”", '""', "「」", "‘’"]
    pair = world.one_of(english, chinese)
    opening, closing = pair[0], pair[1]
    if opening == "'" and "'" in text:
        opening = closing = '"'
    return f"{opening}{text}{closing}"


def line(text: str, *, animated: bool = False) -> str:
    """The line of a program that says a text."""
    return f'{"ALAnimatedSpeech" if animated else "ALTextToSpeech"}.say("{text}")'


def said(*texts: str) -> Predicate:
    """What shows that one of the texts was said."""
    return {"says": {"any": [text.rstrip(".!?。！？") for text in texts]}}


def speech(goal: str, text: str, slots: Mapping[str, str], *, animated: bool = False, variant: str = "") -> Task:
    """The task of saying a text."""
    shown = said(text)
    step = Step(goal, [line(text, animated=animated)])
    return Task([step], slots, must=[shown], event=shown, variant=variant, tags=["speech"])


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[0].upper() + text[1:]


def _filled(world: World, kind: str, more: Mapping[str, str] | None = None) -> str:
    book, rng = _BOOKS[world.language], world.random
    return Pattern(kind, rng.choice(book[kind])).realise(rng, {**_slots(book, rng, world.language), **(more or {})})


def _slots(book: Mapping[str, Any], rng: random.Random, language: Language) -> dict[str, str]:
    first, second = rng.sample(names(language), 2)
    lists = {"time": "times", "place": "places", "food": "foods", "n": "numbers", "event": "events"}
    lists |= {"is": "states", "like": "qualities", "does": "doing", "did": "done", "do": "doable"}
    thing, other = rng.sample(book["things"], 2)
    one = {"name": first, "name2": second, "thing": thing, "thing2": other}
    return {**one, **{slot: rng.choice(book[key]) for slot, key in lists.items()}}
