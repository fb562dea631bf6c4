"""Lengths and angles: how people say them, and the code that computes them from the numbers that were said."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from services.training.dataset.task import World

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ONES += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_DIGITS = "零一二三四五六七八九"
STEP_M = 0.08


@dataclass(frozen=True)
class Measure:
    """A length in metres or an angle in radians, the code that computes it, and how it is said."""

    value: float
    code: str
    said: str


def english(number: int) -> str:
    """A number from 0 to 999 in English words."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10 - 2] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    rest = f" and {english(number % 100)}" if number % 100 else ""
    return f"{'one' if number // 100 == 1 else _ONES[number // 100]} hundred{rest}"


def chinese(number: int, *, counts: bool = False) -> str:
    """A number from 0 to 999 in Chinese words; ``counts`` if a measure word follows, before which 2 is 两."""
    if number == 2 and counts:
        return "两"
    if number < 10:
        return _DIGITS[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")
    hundreds, rest = divmod(number, 100)
    head = ("两" if hundreds == 2 and counts else _DIGITS[hundreds]) + "百"
    if not rest:
        return head
    return head + ("零" if rest < 10 else "一" if rest < 20 else "") + chinese(rest)


def distance(world: World, least: float = 0.1, most: float = 3.0) -> Measure:
    """A length between two bounds in metres, in a random unit."""
    while True:
        unit = world.random.choices(list(_UNITS), _WEIGHTS[world.language])[0]
        measure = _UNITS[unit](world.random, world.language == "en")
        if least <= measure.value <= most:
            return measure


def steps(world: World) -> Measure:
    """A length told in steps."""
    return _steps(world.random, world.language == "en")


def angle(world: World) -> Measure:
    """An angle up to a full turn, to whatever side."""
    rng = world.random
    if rng.random() < 0.12:
        radians = rng.choice([0.5, 0.7, 1.0, 1.2, 1.5, 1.57, 2.0, 2.5, 3.14])
        return Measure(radians, f"{radians}", f"{radians:g}{world.one_of([' radians', ' rad', ' radians'], ['弧度'])}")
    degrees = rng.choice([5, 10, 15, 20, 25, 30, 35, 40, 45, 45, 50, 60, 60, 70, 75, 80, 90, 90, 90, 90, 100, 110, 120])
    if rng.random() < 0.2:
        degrees = rng.choice([12, 18, 36, 54, 65, 85, 130, 135, 140, 145, 150, 160, 170, 180, 180, 210, 225, 270, 300])
    word, numeral = (english, "degrees") if world.language == "en" else (chinese, "度")
    said = f"{degrees}{'°' if rng.random() < 0.2 else ' ' * (world.language == 'en') + numeral}"
    if rng.random() < 0.3:
        said = f"{word(degrees)}{' ' * (world.language == 'en')}{numeral}"
    return Measure(math.radians(degrees), f"{degrees} * 3.1416 / 180", said)


def part_of_turn(world: World) -> Measure:
    """An angle told as a part of a turn."""
    value, en, zh = world.random.choice(_TURNS)
    return Measure(value, f"{value}", world.one_of(en, zh))


_TURNS: list[tuple[float, list[str], list[str]]] = [
    (1.5708, ["a quarter turn", "a quarter of a turn", "one quarter turn"], ["四分之一圈"]),
    (3.1416, ["half a turn", "a half turn", "half a circle"], ["半圈"]),
    (4.7124, ["three quarters of a turn", "a three-quarter turn"], ["四分之三圈"]),
    (6.2832, ["a full turn", "a whole turn", "one full circle", "one complete turn"], ["一圈", "一整圈"]),
]


def signed(code: str, sign: float) -> str:
    """The code of a length or an angle to the one side or the other; 0 gives ``0.0``."""
    return "0.0" if sign == 0 else code if sign > 0 else f"-{code}"


def _metres(rng: random.Random, en: bool) -> Measure:
    halves = rng.choice([0.5, 0.5, 0.5, 1.5, 1.5, 2.5])
    if rng.random() < 0.35:
        whole = int(halves)
        if en:
            metre = rng.choice(["metre", "meter"])
            said = {
                0: rng.choice([f"half a {metre}", f"a half {metre}"]),
                1: rng.choice([f"one and a half {metre}s", f"a {metre} and a half"]),
                2: f"two and a half {metre}s",
            }[whole]
        else:
            said = ["半米", rng.choice(["一米半", "一米五"]), rng.choice(["两米半", "两米五"])][whole]
        return Measure(halves, f"{halves}", said)
    if rng.random() < 0.45:
        whole = rng.choice([1, 1, 1, 2, 2, 3, 3, 4, 5, 6])
        metre = rng.choice(["metre", "meter"]) + ("" if whole == 1 else "s")
        if en:
            said = rng.choice([f"{english(whole)} {metre}", f"{whole} {metre}", f"{whole} m", f"{whole}m"])
            said = f"a {metre}" if whole == 1 and rng.random() < 0.3 else said
        else:
            said = rng.choice([f"{chinese(whole, counts=True)}米", f"{whole}米", f"{whole} 米"])
        return Measure(float(whole), f"{whole}.0", said)
    number = rng.randrange(2, 31) / 10
    if not en and number > 1 and rng.random() < 0.3 and number % 1:
        said = f"{chinese(int(number), counts=True)}米{_DIGITS[round(number * 10) % 10]}"
    elif en:
        said = f"{number:g}{rng.choice([' metres', ' meters', ' m', 'm'])}"
    else:
        said = f"{number:g}{rng.choice(['米', '米', ' 米', 'm'])}"
    return Measure(number, f"{number}", said)


def _centimetres(rng: random.Random, en: bool) -> Measure:
    number = rng.choice([*range(10, 100, 5), *range(10, 100, 10), 100, 110, 120, 130, 150, 180, 200, 250])
    if rng.random() < 0.1:
        number = rng.randrange(11, 99)
    if en:
        unit = rng.choice(["cm", "cm", "centimetres", "centimeters"])
        said = rng.choice([f"{number} {unit}", f"{number}{unit}" if unit == "cm" else f"{english(number)} {unit}"])
    else:
        unit = rng.choice(["厘米", "厘米", "公分", "cm"])
        said = f"{number}{unit}" if unit == "cm" or rng.random() < 0.6 else f"{chinese(number)}{unit}"
    return Measure(number / 100, f"{number} / 100", said)


def _millimetres(rng: random.Random, en: bool) -> Measure:
    number = rng.choice([100, 120, 150, 200, 250, 300, 350, 400, 450, 500, 600, 750, 800, 900])
    unit = rng.choice([" mm", "mm", " millimetres", " millimeters"] if en else ["毫米", "mm"])
    return Measure(number / 1000, f"{number} / 1000", f"{number}{unit}")


def _feet(rng: random.Random, en: bool) -> Measure:
    number = rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9])
    if en:
        unit = "foot" if number == 1 else "feet"
        said = rng.choice([f"{number} {unit}", f"{english(number)} {unit}", f"{number} ft"])
        said = "a foot" if number == 1 and rng.random() < 0.3 else said
    else:
        said = f"{rng.choice([str(number), chinese(number, counts=True)])}英尺"
    return Measure(number * 0.305, f"{number} * 0.305", said)


def _inches(rng: random.Random, en: bool) -> Measure:
    number = rng.choice([4, 5, 6, 8, 10, 10, 12, 15, 18, 20, 20, 24, 30, 36, 40])
    if en:
        said = rng.choice([f"{number} inches", f"{number} inches", f"{english(number)} inches"])
    else:
        said = f"{rng.choice([str(number), chinese(number)])}英寸"
    return Measure(number * 0.0254, f"{number} * 0.0254", said)


def _steps(rng: random.Random, en: bool) -> Measure:
    number = rng.choice([1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 10, 12, 15, 20])
    if en:
        unit = "step" if number == 1 else rng.choice(["steps", "steps", "paces"])
        said = rng.choice([f"{number} {unit}", f"{english(number)} {unit}"])
        said = "a couple of steps" if number == 2 and rng.random() < 0.3 else said
        said = "a few steps" if number == 3 and rng.random() < 0.25 else said
        said = "a step" if number == 1 and rng.random() < 0.5 else said
    else:
        said = f"{rng.choice([str(number), chinese(number, counts=True), chinese(number, counts=True)])}步"
        said = "几步" if number == 3 and rng.random() < 0.2 else said
    return Measure(number * STEP_M, f"{number} * {STEP_M}", said)


_UNITS: dict[str, Callable[[random.Random, bool], Measure]] = {
    "m": _metres, "cm": _centimetres, "mm": _millimetres, "feet": _feet, "inches": _inches, "steps": _steps,
}  # fmt: skip
_WEIGHTS = {"en": [30, 27, 3, 14, 12, 14], "zh": [36, 32, 4, 4, 4, 20]}
