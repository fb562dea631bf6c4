"""Pieces of GBNF, the grammar notation of llama.cpp: literals, choices and numbers within a range."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from functools import lru_cache

DigitClass = tuple[str, str]


class Rules:
    """Named rules of one grammar; equal bodies share one rule."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._bodies: dict[str, str] = {}

    def add(self, hint: str, body: str) -> str:
        """Name of a rule with this body, new or known."""
        if body not in self._names:
            hint = name = hint.replace("_", "-")  # GBNF knows letters, digits and hyphens
            number = 1
            while name in self._bodies:
                number += 1
                name = f"{hint}-{number}"
            self._names[body] = name
            self._bodies[name] = body
        return self._names[body]

    def put(self, name: str, body: str) -> None:
        """Define the rule of exactly this name."""
        self._bodies[name] = body

    def once(self, name: str, body: Callable[[], str]) -> str:
        """The same name, its rule made if there is none yet; making it may use rules that are being made."""
        if name not in self._bodies:
            self._bodies[name] = ""
            self._bodies[name] = body()
        return name

    def text(self) -> str:
        """The grammar, one rule on a line."""
        return "".join(f"{name} ::= {body}\n" for name, body in self._bodies.items())


def literal(text: str) -> str:
    """A quoted literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def choice(values: Iterable[str]) -> str:
    """One of several texts, common beginnings written once so that an engine has fewer branches to follow."""
    return _choice(sorted(set(values)))


def _choice(values: list[str]) -> str:
    branches: list[str] = []
    for _, grouped in itertools.groupby(values, key=lambda value: value[:1]):
        group = list(grouped)
        if len(group) == 1:
            branches.append(literal(group[0]))
            continue
        length = len(_common_prefix(group))
        branches.append(f"{literal(group[0][:length])} {_choice([value[length:] for value in group])}")
    return f"({' | '.join(branches)})"


def _common_prefix(values: list[str]) -> str:
    first, last = min(values), max(values)
    same = [a == b for a, b in zip(first, last, strict=False)]
    return first[: same.index(False) if False in same else len(same)]


@lru_cache(maxsize=1024)
def number(low: float, high: float, places: int) -> str:
    """The body of a rule for a number from low to high with 1 to ``places`` places, or a whole one when that is 0.

    Raises:
        ValueError: no number with so many places lies between them.
    """
    branches: list[str] = []
    for digits in range(min(1, places), places + 1):
        # A rounding of 1e-9 keeps 0.1 * 10 from counting as more than 1.
        first = math.ceil(low * 10**digits - 1e-9)
        last = math.floor(high * 10**digits + 1e-9)
        positive = _magnitudes(max(first, 0), last, digits)
        negative = _magnitudes(max(-last, 0), -first, digits) if low < 0 else []
        branches += [f'"-"? {branch}' if branch in negative else branch for branch in positive]
        branches += [f'"-" {branch}' for branch in negative if branch not in positive]
    if not branches:
        raise ValueError(f"no number with {places} places lies between {low} and {high}")
    return " | ".join(branches)


@lru_cache(maxsize=1024)
def decimal(low: float, high: float, places: int) -> str:
    """The body of a rule for a number with 1 to ``places`` places, 0 <= low <= number <= high.

    Unlike ``number`` it goes digit by digit, so that an engine has one branch to follow at a time, or few.
    """
    first, last = math.ceil(low * 10**places - 1e-9), math.floor(high * 10**places + 1e-9)
    branches: list[str] = []
    for length in range(places + 1, max(len(str(last)), places + 1) + 1):
        start = max(first, 10 ** (length - 1) if length > places + 1 else 0)
        end = min(last, 10**length - 1)
        if start <= end:
            branches.append(_digits(str(start).zfill(length), str(end).zfill(length), places))
    return " | ".join(branches)


def _digits(low: str, high: str, places: int) -> str:
    """The digits from low to high, both of one length; those behind the first place may be left out if they are 0."""
    left = len(low)
    if left < places and low == "0" * left and high == "9" * left:
        return f"[0-9] [0-9]{{0,{left - 1}}}" if left > 1 else "[0-9]"
    branches: list[str] = []
    for (first, last), tail in _first_digits(low, high):
        digit = literal(first) if first == last else f"[{first}-{last}]"
        branches.append(digit + _behind(*tail, places) if left > 1 else digit)
    return " | ".join(branches)


def _behind(low: str, high: str, places: int) -> str:
    """What follows a digit: the point where it is due, and the digits left."""
    digits, left = _digits(low, high, places), len(low)
    if left == places:
        return f' "." ({digits})'
    return f" ({digits})" + ("?" if left < places and low == "0" * left else "")


def _first_digits(low: str, high: str) -> list[tuple[DigitClass, tuple[str, str]]]:
    """The first digits of the numbers from low to high, each class with the least and the most of what follows."""
    rest = len(low) - 1
    least, most = "0" * rest, "9" * rest
    if low[0] == high[0]:
        return [((low[0], low[0]), (low[1:], high[1:]))]
    found: list[tuple[DigitClass, tuple[str, str]]] = []
    first, last = int(low[0]), int(high[0])
    if low[1:] != least:
        found.append(((low[0], low[0]), (low[1:], most)))
        first += 1
    above = high[1:] != most
    if first <= last - above:
        found.append(((str(first), str(last - above)), (least, most)))
    if above:
        found.append(((high[0], high[0]), (least, high[1:])))
    return found


def _magnitudes(low: int, high: int, places: int) -> list[str]:
    """Branches for the numbers low/10**places … high/10**places, 0 <= low."""
    branches: list[str] = []
    for length in range(places + 1, max(len(str(max(high, 0))), places + 1) + 1):
        start = max(low, 10 ** (length - 1) if length > places + 1 else 0)
        end = min(high, 10**length - 1)
        if start <= end:
            spans = _spans(str(start).zfill(length), str(end).zfill(length))
            branches += [_written(span, places) for span in spans]
    return branches


def _spans(low: str, high: str) -> list[list[DigitClass]]:
    """Digit classes that together match exactly the numbers from low to high, both of one length."""
    if not low:
        return [[]]
    rest = len(low) - 1
    if low[0] == high[0]:
        return [[(low[0], low[0]), *tail] for tail in _spans(low[1:], high[1:])]
    spans: list[list[DigitClass]] = []
    first, last = int(low[0]), int(high[0])
    if low[1:] != "0" * rest:
        spans += [[(low[0], low[0]), *tail] for tail in _spans(low[1:], "9" * rest)]
        first += 1
    ending: list[list[DigitClass]] = []
    if high[1:] != "9" * rest:
        ending = [[(high[0], high[0]), *tail] for tail in _spans("0" * rest, high[1:])]
        last -= 1
    if first <= last:
        spans.append([(str(first), str(last)), *[("0", "9")] * rest])
    return spans + ending


def _written(span: list[DigitClass], places: int) -> str:
    parts = [low if low == high else f"[{low}-{high}]" for low, high in span]
    if places:
        parts.insert(len(parts) - places, ".")
    # Neighbouring characters make one literal.
    groups = itertools.groupby(parts, key=lambda part: part.startswith("["))
    return " ".join(" ".join(group) if classes else literal("".join(group)) for classes, group in groups)
