"""Counting, spelling, lists that everybody knows, and words of other languages."""

from __future__ import annotations

import tomllib
from pathlib import Path

from services.training.dataset.sayings import capital, line, names, said, speech
from services.training.dataset.task import Step, Task, World, skill

_FOREIGN = tomllib.loads((Path(__file__).parents[1] / "translations.toml").read_text(encoding="utf-8"))
# Languages that are asked for more often than others.
_USUAL = {"English", "French", "German", "Spanish", "Italian", "Japanese", "Chinese"}
_EN = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
]  # fmt: skip
_TENS = ["ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ZH = "零一二三四五六七八九"
_WORDS = [
    "robot", "cat", "house", "apple", "school", "music", "hello", "water", "friend", "sun", "computer", "banana", "dog",
    "world", "science", "blue", "energy", "table", "orange", "hospital", "museum", "dance", "happy", "zebra", "teacher",
]  # fmt: skip
_LISTS = {
    "alphabet": (", ".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), ", ".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    "vowels": ("A, E, I, O, U.", "A, E, I, O, U."),
    "weekdays": (
        "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday.",
        "星期一，星期二，星期三，星期四，星期五，星期六，星期日。",
    ),
    "months": (
        "January, February, March, April, May, June, July, August, September, October, November, December.",
        "一月，二月，三月，四月，五月，六月，七月，八月，九月，十月，十一月，十二月。",
    ),
    "seasons": ("Spring, summer, autumn, winter.", "春天，夏天，秋天，冬天。"),
    "planets": (
        "Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus, Neptune.",
        "水星，金星，地球，火星，木星，土星，天王星，海王星。",
    ),
    "rainbow": ("Red, orange, yellow, green, blue, indigo, violet.", "红，橙，黄，绿，蓝，靛，紫。"),
}


@skill("reciting", weight=4.0)
def count(world: World) -> Task:
    """Count up or down, by ones, twos or tens."""
    rng = world.random
    kind = rng.choices(["from", "to", "down", "even", "odd", "tens"], [4, 6, 4, 1, 1, 1])[0]
    if kind == "to":
        first, last, step = 1, rng.choice([3, 4, 5, 6, 7, 8, 10, 10, 12, 15, 20, 30]), 1
    elif kind == "from":
        first = rng.randrange(1, 12)
        last, step = first + rng.randrange(2, 9), 1
    elif kind == "down":
        first, last, step = rng.choice([3, 4, 5, 5, 6, 8, 10, 10, 12, 20]), rng.choice([0, 1, 1, 1]), -1
    elif kind == "tens":
        first, last, step = 10, rng.choice([50, 100]), 10
    else:
        first, step = (2, 2) if kind == "even" else (1, 2)
        last = first + rng.choice([8, 8, 10, 18])
    numbers = list(range(first, last + (1 if step > 0 else -1), step))
    if max(numbers) > 20 and kind != "tens":
        text = ", ".join(map(str, numbers)) + world.say(".", "。")
    else:
        text = world.say(capital(", ".join(map(_english, numbers))) + ".", "，".join(map(_chinese, numbers)) + "。")
    style = rng.random() < 0.5
    slots = {
        "a": str(first) if style or first > 20 else world.say(_english(first), _chinese(first)),
        "b": str(last) if style or last > 20 else world.say(_english(last), _chinese(last)),
    }
    goal = "count down" if kind == "down" else "count"
    return speech(goal, text, slots, variant=kind)


@skill("reciting", weight=0.7)
def spell(world: World) -> Task:
    """Spell a word or a name."""
    rng = world.random
    word = rng.choice([*_WORDS, *(name for name in names("en") if " " not in name), "NAO"])
    text = ", ".join(word.upper()) + "."
    shown_word = rng.choice([f'"{word}"', word])
    return speech("spell the word", text, {"word": shown_word})


@skill("reciting", weight=1.5)
def list_known(world: World) -> Task:
    """Say the alphabet, the days of the week and so on."""
    name = world.random.choices(list(_LISTS), [4, 1, 4, 3, 2, 1, 1])[0]
    return speech(f"say the {name}", world.say(*_LISTS[name]), {}, variant=name)


@skill("reciting", weight=2.0)
def translate(world: World) -> Task:
    """Say a phrase in another language."""
    other, name = foreign(world)
    phrase = world.random.choice(list(_FOREIGN[other]))
    text = _FOREIGN[other][phrase]
    shown = said(text.lstrip("¡¿"))
    step = Step(f"speak {other}", [line(text).removesuffix(")") + f', "{other}")'])
    return Task(
        [step],
        {"what": world.say(*_FOREIGN["said"][phrase]), "language": name},
        must=[shown, {"voice": {"language": other}}],
        event=shown,
        tags=["speech", "language"],
    )


def foreign(world: World) -> tuple[str, str]:
    """A language that is not that of the world: its name on the robot, and how people call it."""
    own = world.say("English", "Chinese")
    others = [name for name in _FOREIGN["languages"] if name != own]
    other = world.random.choices(others, [5 if name in _USUAL else 1 for name in others])[0]
    english, *chinese = _FOREIGN["languages"][other]
    return other, world.one_of([english], chinese)


def hello(language: str) -> str:
    """Hello in a language of the robot."""
    greeting: str = _FOREIGN[language]["hello"]
    return greeting


def _english(number: int) -> str:
    return _EN[number] if number <= 20 else "one hundred" if number == 100 else _TENS[number // 10 - 1]


def _chinese(number: int) -> str:
    if number == 100:
        return "一百"
    tens, ones = divmod(number, 10)
    if not tens:
        return _ZH[ones]
    return ("" if tens == 1 else _ZH[tens]) + "十" + (_ZH[ones] if ones else "")
