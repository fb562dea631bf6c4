"""Speech balloons."""

from __future__ import annotations

import unicodedata

from services.picture.svg import Point, element, text_of

FONT = "Helvetica, Arial, 'Noto Sans CJK SC', sans-serif"


def wrap(words: str, width: float, lines: int) -> list[str]:
    """Break words into lines no wider than ``width`` times the height of the letters; what is too long ends in "…"."""
    broken = [""]
    for word in words.split():
        for piece, begins in _pieces(word, width):
            longer = f"{broken[-1]} {piece}" if broken[-1] and begins else broken[-1] + piece
            if broken[-1] and measure(longer) > width:
                broken.append(piece)
            else:
                broken[-1] = longer
    if len(broken) <= lines:
        return broken
    last = broken[lines - 1]
    while last and measure(last + "…") > width:
        last = last[:-1]
    return [*broken[: lines - 1], last + "…"]


def measure(words: str) -> float:
    """Return how wide words are, roughly, in heights of the letters."""
    return sum(1.0 if _wide(letter) else 0.54 for letter in words)


def _pieces(word: str, width: float) -> list[tuple[str, bool]]:
    """A word in pieces at which it may be broken, and whether it begins with each.

    It may be between the signs of a script without spaces, and anywhere when it is too long for a line.
    """
    pieces: list[tuple[str, bool]] = []
    for letter in word:
        before = pieces[-1][0] if pieces else ""
        if before and not _wide(letter) and not _wide(before[-1]) and measure(before + letter) <= width:
            pieces[-1] = (before + letter, pieces[-1][1])
        else:
            pieces.append((letter, not pieces))
    return pieces


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def rows_of(words: str) -> list[str]:
    """Return the lines of a balloon."""
    return wrap(words, 20.0, 4)


def height_of(words: str, size: float) -> float:
    """Return how high a balloon is whose letters are ``size`` high."""
    return (len(rows_of(words)) * 1.3 + 0.9) * size


def balloon(words: str, tip: Point, *, size: float, bottom: float, left: float, right: float) -> str:
    """Return a balloon above ``bottom``, between ``left`` and ``right``, whose tail ends at ``tip``."""
    rows = rows_of(words)
    width = max(measure(row) for row in rows) * size + 2.2 * size
    top, radius = bottom - height_of(words, size), size * 0.9
    x = min(max(tip[0] - width * 0.35, left), right - width)
    root = min(max(tip[0], x + 2 * radius), x + width - 2 * radius)
    outline = (
        f"M{x + radius:.0f} {top:.0f}H{x + width - radius:.0f}q{radius:.0f} 0 {radius:.0f} {radius:.0f}"
        f"V{bottom - radius:.0f}q0 {radius:.0f} {-radius:.0f} {radius:.0f}H{root + size * 0.6:.0f}"
        f"L{tip[0]:.0f} {tip[1]:.0f}L{root - size * 0.6:.0f} {bottom:.0f}"
        f"H{x + radius:.0f}q{-radius:.0f} 0 {-radius:.0f} {-radius:.0f}V{top + radius:.0f}"
        f"q0 {-radius:.0f} {radius:.0f} {-radius:.0f}z"
    )
    shape = element("path", d=outline, fill="#ffffff", stroke="#3d4858", stroke_width=f"{size * 0.12:.0f}")
    spans = "".join(
        element("tspan", text_of(row), x=f"{x + width / 2:.0f}", y=f"{top + size * (1.35 + 1.3 * number):.0f}")
        for number, row in enumerate(rows)
    )
    text = element("text", spans, font_size=f"{size:.0f}", font_family=FONT, text_anchor="middle", fill="#1f2a3a")
    return shape + text
