"""The forms that numbers have in the programs of a fine-tuned model: written out, or reckoned from what was said.

"Two feet" is ``2 * 0.305``, "forty centimetres" ``40 / 100`` and "ninety degrees" ``90 * 3.1416 / 180``: a small model
copies numbers better than it reckons. Each form stays within the range, whatever it is made of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from services.behavior.arguments import Unit
from services.behavior.gbnf import Rules, decimal, number

_PLACES = 4
_DEGREES = ' " * 3.1416 / 180"'
#: Slightly more than 180 / 3.1416, so that a limit that was given in degrees is in range.
_DEGREE = 3.1416 / 180
_RIGHT_ANGLE = 90


def forms(rules: Rules, low: float, high: float, unit: Unit) -> str:
    """The body of a rule for a number from low to high."""
    above = _positive(rules, max(low, 0.0), high, unit) if high >= 0 else None
    below = _positive(rules, max(-high, 0.0), -low, unit) if low < 0 else None
    if above == below:
        return f'"-"? {above}'
    return " | ".join(branch for branch in (above, f'"-" {below}' if below else None) if branch)


def angle(rules: Rules, low: float, high: float) -> str:
    """The body of a rule for an angle of a joint: also as degrees from a right angle, which is where arms are ahead."""
    least, most = math.ceil(_RIGHT_ANGLE - high / _DEGREE), math.floor(_RIGHT_ANGLE - low / _DEGREE)
    body = forms(rules, low, high, "rad")
    if max(least, 0) > most:
        return body
    return f'{body} | "({_RIGHT_ANGLE} - " {_whole(rules, max(least, 0), min(most, 180))} ")"{_DEGREES}'


def _positive(rules: Rules, low: float, high: float, unit: Unit) -> str:
    written = list(_written(rules, low, high, unit))
    if unit == "m" and low == 0:
        written.append(f'{_decimal(rules, 0.0, 2 * high)} " / 2"')
        # Aslant: so much of the way as goes ahead or aside.
        written.append(f'"0." [0-9] [0-9]{{0,3}} " * " {rules.add("number", " | ".join(written))}')
    return rules.add("number", " | ".join(written))


def _written(rules: Rules, low: float, high: float, unit: Unit) -> Iterator[str]:
    yield _decimal(rules, low, high)
    if unit in ("", "%") and high >= max(low, 1.0):
        yield _whole(rules, math.ceil(low), math.floor(high))
    if (unit == "" and high <= 1) or unit == "m":
        yield f'{_whole(rules, math.ceil(100 * low), math.floor(100 * high))} " / 100"'
    if unit == "m":
        yield f'{_whole(rules, math.ceil(1000 * low), math.floor(1000 * high))} " / 1000"'
        if low == 0:
            yield rules.add("product", " | ".join(_products(rules, high)))
    if unit == "rad":
        yield f"{_whole(rules, math.ceil(low / _DEGREE), math.floor(high / _DEGREE))}{_DEGREES}"


def _products(rules: Rules, high: float) -> Iterator[str]:
    """So many times a length: the more often, the shorter it is."""
    for times in range(1, 10):
        yield f'"{times} * " {_decimal(rules, 0.0, high / times)}'
    for tens in range(1, 10):
        yield f'"{tens}0 * " {_decimal(rules, 0.0, high / (10 * tens))}'
        yield f'"{tens}" [1-9] " * " {_decimal(rules, 0.0, high / (10 * tens + 9))}'


def _decimal(rules: Rules, low: float, high: float) -> str:
    return rules.add("decimal", decimal(low, high, _PLACES))


def _whole(rules: Rules, low: int, high: int) -> str:
    return rules.add("whole", number(low, high, 0))
