"""The walk and the scene, seen from above."""

from __future__ import annotations

import math
from collections.abc import Sequence

from services.picture.balloon import FONT, measure
from services.picture.film import Shot
from services.picture.recording import Item, Recording
from services.picture.stage import UNITS
from services.picture.svg import Clip, Point, element, line, text_of

_SIDE = 230 * UNITS  # of the square that the plan is drawn in
_EDGE = 24 * UNITS
_LEAST_M = 1.2
_TURNED_RAD, _WALKED_M = 0.1, 0.03
_NAME_CHARACTERS = 18
_LETTERS = 11 * UNITS


class Plan:
    """A plan of the floor: ahead of where the robot began is up."""

    width = _SIDE + 2 * _EDGE

    def __init__(self, recording: Recording, shots: Sequence[Shot]) -> None:
        self._shots = shots
        self._items = recording.items
        self._way = recording.way
        walked = max(math.dist((0.0, 0.0), place) for place in self._way) > _WALKED_M
        turned = max(abs(theta) for theta in recording.theta) / 1000 > _TURNED_RAD
        self.needed = bool(self._items) or walked or turned
        places = [*self._way, *((item.x / 1000, item.y / 1000) for item in self._items)]
        xs, ys = [x for x, _ in places], [y for _, y in places]
        self._span = max(max(xs) - min(xs), max(ys) - min(ys), _LEAST_M - 0.3) + 0.3
        self._middle = ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)

    def draw(self, clip: Clip | None, left: float, height: float) -> str:
        """Return the plan, to the right of ``left`` in a picture as high as ``height``."""
        self._corner = (left + _EDGE, (height - _SIDE) / 2 - 20 * UNITS)
        x, y = self._corner
        frame = {"x": f"{x:.0f}", "y": f"{y:.0f}", "width": _SIDE, "height": _SIDE, "rx": 8 * UNITS}
        inside = self._grid() + self._path() + "".join(self._item(item) for item in self._items) + self._robot(clip)
        return (
            element("clipPath", element("rect", **frame), id="plan")
            + element("rect", **frame, fill="#ffffff", stroke="#d5dde6", stroke_width=UNITS)
            + element("g", inside, clip_path="url(#plan)")
            + self._rule()
        )

    # --- within ------------------------------------------------------------------------------------------------------

    @property
    def _scale(self) -> float:
        return _SIDE / self._span

    def _put(self, place: Point) -> Point:
        """Where a place, metres ahead and to the left, is in the picture."""
        x, y = self._corner
        ahead, aside = place[0] - self._middle[0], place[1] - self._middle[1]
        return (x + _SIDE / 2 - aside * self._scale, y + _SIDE / 2 - ahead * self._scale)

    def _grid(self) -> str:
        """Lines half a metre apart, or further in a large place."""
        apart = self._apart()
        half = self._span / 2
        drawn = []
        for axis in (0, 1):
            first = math.ceil((self._middle[axis] - half) / apart)
            last = math.floor((self._middle[axis] + half) / apart)
            for number in range(first, last + 1):
                low, high = self._middle[1 - axis] - half, self._middle[1 - axis] + half
                ends = [(apart * number, end) if axis == 0 else (end, apart * number) for end in (low, high)]
                drawn.append(line([self._put(end) for end in ends]))
        return element("path", d="".join(drawn), stroke="#e8edf3", stroke_width=UNITS)

    def _apart(self) -> float:
        return next((apart for apart in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if self._span / apart <= 8), 50.0)

    def _rule(self) -> str:
        x, y = self._corner[0], self._corner[1] + _SIDE + 12 * UNITS
        length = self._apart() * self._scale
        words = f"{self._apart():g} m, seen from above"
        return element(
            "path", d=f"M{x:.0f} {y:.0f}h{length:.0f}", stroke="#66758a", stroke_width=2 * UNITS
        ) + element(
            "text", words, x=f"{x + length + 6 * UNITS:.0f}", y=f"{y + 4 * UNITS:.0f}", font_size=12 * UNITS,
            font_family=FONT, fill="#66758a",
        )  # fmt: skip

    def _path(self) -> str:
        if len(set(self._way)) == 1:
            return ""
        return element(
            "path",
            d=line([self._put(place) for place in self._way]),
            fill="none",
            stroke="#6f8fb4",
            stroke_width=3 * UNITS,
            stroke_dasharray=f"{7 * UNITS} {5 * UNITS}",
            stroke_linecap="round",
            stroke_linejoin="round",
        ) + self._ring(self._way[0])

    def _ring(self, place: Point) -> str:
        x, y = self._put(place)
        return element(
            "circle",
            cx=f"{x:.0f}",
            cy=f"{y:.0f}",
            r=5 * UNITS,
            fill="#ffffff",
            stroke="#6f8fb4",
            stroke_width=2 * UNITS,
        )

    def _item(self, item: Item) -> str:
        """A thing or a person of the scene, with its name."""
        x, y = self._put((item.x / 1000, item.y / 1000))
        at = {"cx": f"{x:.0f}", "cy": f"{y:.0f}"}
        if item.person:
            shoulders = element("ellipse", **at, rx=11 * UNITS, ry=6 * UNITS, fill="#8a63c9", opacity="0.5")
            mark = shoulders + element("circle", **at, r=5 * UNITS, fill="#8a63c9")
        else:
            mark = element("circle", **at, r=6 * UNITS, fill="#e0a100", stroke="#ffffff", stroke_width=UNITS)
        name = item.name if len(item.name) <= _NAME_CHARACTERS else item.name[: _NAME_CHARACTERS - 1] + "…"
        half = measure(name) * _LETTERS / 2 + 2 * UNITS
        middle = min(max(x, self._corner[0] + half), self._corner[0] + _SIDE - half)
        low = y > self._corner[1] + _SIDE - 26 * UNITS
        return mark + element(
            "text",
            text_of(name),
            x=f"{middle:.0f}",
            y=f"{y + (-11 if low else 20) * UNITS:.0f}",
            font_size=_LETTERS,
            font_family=FONT,
            text_anchor="middle",
            fill="#3d4858",
        )

    def _robot(self, clip: Clip | None) -> str:
        """The robot's shoulders and head, looking where it heads."""
        places = [self._put((shot.state.x, shot.state.y)) for shot in self._shots]
        moves = [f"{x:.0f} {y:.0f}" for x, y in places]
        turns = [f"{-math.degrees(shot.state.theta):.1f}" for shot in self._shots]
        body = (
            element("ellipse", rx=14 * UNITS, ry=7 * UNITS, fill="#f2f5f9", stroke="#3d4858", stroke_width=1.5 * UNITS)
            + element("path", d=f"M{-4 * UNITS} {-9 * UNITS}L0 {-17 * UNITS}L{4 * UNITS} {-9 * UNITS}Z", fill="#f0652f")
            + element("circle", r=6.5 * UNITS, fill="#ffffff", stroke="#3d4858", stroke_width=1.5 * UNITS)
        )
        turned = element(
            "g", (clip.transform("rotate", turns) if clip else "") + body, transform=f"rotate({turns[-1]})"
        )
        moved = (clip.transform("translate", moves) if clip else "") + turned
        return element("g", moved, transform=f"translate({moves[-1]})")
