"""Writes SVG: elements, escaped text, and values that change over time (SMIL), without scripts or styles."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]


def text_of(words: str) -> str:
    """Return words from anywhere as SVG text: escaped, and without characters that cannot be seen."""
    seen = "".join(character if character.isprintable() else " " for character in words)
    return escape(seen, quote=True)


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """Return an element; attributes with an underscore are written with a hyphen, those that are None left out."""
    written = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items() if value is not None)
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def line(points: Sequence[Point]) -> str:
    """Return a path along points, in whole units."""
    whole = [(round(x), round(y)) for x, y in points]
    steps = [f"{bx - ax} {by - ay}" for (ax, ay), (bx, by) in itertools.pairwise(whole)]
    return _short(f"M{whole[0][0]} {whole[0][1]}l{' '.join(steps)}")


def area(points: Sequence[Point]) -> str:
    """Return a closed path along points."""
    return line(points) + "z"


def disc(points: Sequence[Point]) -> str:
    """Return a round closed path within four points, which are the middles of the sides of its frame.

    Curves of the second degree come within a few per cent of a circle, and need half the numbers of those of the third.
    """
    whole = [(round(x), round(y)) for x, y in points]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = whole
    corner_x, corner_y = bx - (ax + cx) // 2, by - (ay + cy) // 2
    first = f"M{ax} {ay}q{corner_x} {corner_y} {bx - ax} {by - ay}"
    return _short(f"{first}t{cx - bx} {cy - by} {dx - cx} {dy - cy} {ax - dx} {ay - dy}z")


def _short(path: str) -> str:
    return path.replace(" -", "-")


@dataclass(frozen=True)
class Clip:
    """The moments of a film, and how it is played: over and over, standing still for a while at its end."""

    times: Sequence[float]
    """When each frame is shown, in seconds from the beginning, rising from 0."""
    lasts: float
    """Seconds until it begins anew."""

    def animate(self, attribute: str, values: Sequence[str], *, jumps: bool = False) -> str:
        """Return what makes an attribute pass through a value for each frame; nothing if it stays the same.

        ``jumps`` holds each value until the next frame, else the way between two is drawn straight.
        """
        keys = self._keys(values, jumps)
        if keys is None:
            return ""
        return element("animate", attributeName=attribute, calcMode="discrete" if jumps else None, **keys)

    def transform(self, kind: str, values: Sequence[str]) -> str:
        """Return what moves an element: ``kind`` is translate or rotate."""
        keys = self._keys(values, False)
        return "" if keys is None else element("animateTransform", attributeName="transform", type=kind, **keys)

    def _keys(self, values: Sequence[str], jumps: bool) -> dict[str, object] | None:
        if len(set(values)) == 1:
            return None
        kept = [0]
        for index in range(1, len(values) - 1):
            same_as_next = not jumps and values[index] == values[index + 1]
            if values[index] != values[index - 1] or (not jumps and not same_as_next):
                kept.append(index)
        kept.append(len(values) - 1)
        shares = [self.times[index] / self.lasts for index in kept]
        if shares[-1] < 1.0:
            kept.append(kept[-1])
            shares.append(1.0)
        return {
            "dur": f"{self.lasts:.2f}s",
            "repeatCount": "indefinite",
            "keyTimes": ";".join(_share(share) for share in _rising(shares)),
            "values": ";".join(values[index] for index in kept),
        }


def _rising(shares: Sequence[float]) -> list[float]:
    return list(itertools.accumulate(shares, max))


def _share(share: float) -> str:
    return f"{share:.4f}".rstrip("0").rstrip(".").removeprefix("0") or "0"
