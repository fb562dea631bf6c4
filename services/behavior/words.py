"""Wording shared by messages that tell a person how to mend a program."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_CHOICES = 8


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A hint: the nearest choice, or the choices themselves when none is near."""
    known = list(choices)
    folded = {choice.casefold(): choice for choice in reversed(known)}
    # The cut keeps difflib's quadratic comparison short, however long the word is.
    near = difflib.get_close_matches(word.casefold()[:80], list(folded), n=1)
    if near:
        return f"did you mean {folded[near[0]]!r}?"
    shown = ", ".join(repr(choice) for choice in known[:_MOST_CHOICES])
    return f"choose from {shown}" + (" …" if len(known) > _MOST_CHOICES else "")


def count(number: int, noun: str) -> str:
    """``1 argument``, ``2 arguments``, ``no arguments``."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
