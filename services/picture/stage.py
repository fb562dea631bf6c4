"""Draws the robot on its piece of floor."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from services.picture.figure import MEMBERS, Member, Shape
from services.picture.film import ELEVATION, Shot, orders, seen
from services.picture.svg import Clip, Point, area, disc, element, line

UNITS = 10  # of the picture for each pixel, so that whole numbers are fine enough
WIDTH, HEIGHT = 500 * UNITS, 470 * UNITS
_TOP, _BOTTOM = 24 * UNITS, 424 * UNITS
_MOST_PER_M = 640 * UNITS
_DISC_M = 0.42
_EDGE = 10 * UNITS
_LINES_M, _MOST_LINES = 0.14, 60

_FILLS = {"shell": "#f2f5f9", "joint": "#a3adbb", "accent": "#f0652f", "dark": "#2b3442"}
_LIGHTS = {"shell": "#ffffff", "joint": "#bcc5d0", "accent": "#ff8a58"}
_INK, _OUTLINE = "#3d4858", 3 * UNITS
_PATHS: dict[str, Callable[[Sequence[Point]], str]] = {"line": line, "area": area, "disc": disc}


class Stage:
    """The robot in a picture: how large, where, and in which places its head is."""

    def __init__(self, shots: Sequence[Shot], *, room_above: float, pause: Callable[[], None]) -> None:
        self._shots = shots
        self._pause = pause
        lefts, rights, highs, lows = zip(*(shot.bounds for shot in shots), strict=True)
        left, right, high, low = min(lefts) - 0.06, max(rights) + 0.06, min(highs) - 0.06, max(lows) + 0.03
        self.scale = min(_MOST_PER_M, WIDTH * 0.94 / (right - left), (_BOTTOM - _TOP - room_above) / (low - high))
        self._origin = (WIDTH / 2 - (left + right) / 2 * self.scale, _BOTTOM - low * self.scale)
        rims = [point for shot in shots for point in shot.shadow]
        self._under = tuple((min(values) + max(values)) / 2 for values in zip(*rims, strict=True))
        self._disc_m = max(_DISC_M, max(math.dist(self._under, (x, self._under[1])) for x, _ in rims) + 0.12)

    def put(self, point: Point) -> Point:
        """Return where a point of a shot is in the picture."""
        return (self._origin[0] + point[0] * self.scale, self._origin[1] + point[1] * self.scale)

    def head(self, index: int) -> Point:
        """Return where the top of the head is in a shot."""
        corners = self._shots[index].corners["skull"]
        x, y = (sum(values) / len(corners) for values in zip(*corners, strict=True))
        return self.put((x, y - 0.065))

    def top(self, index: int) -> float:
        """Return how high the robot reaches in a shot."""
        return self.put((0.0, self._shots[index].bounds[2] - 0.03))[1]

    def draw(self, clip: Clip | None) -> str:
        """Return the floor, the shadow and the robot: moving, or as it is in the last shot."""
        shapes = [(member, shape) for member in MEMBERS for shape in member.shapes]
        paths = "".join(self._path(shape, clip) for _, shape in shapes)
        members = "".join(self._member(member, clip) for member in MEMBERS)
        return element("defs", paths + members) + self._floor(clip) + self._shadow(clip) + self._body(clip)

    # --- within ------------------------------------------------------------------------------------------------------

    def _path(self, shape: Shape, clip: Clip | None) -> str:
        """A shape's outline, which the members use in several thicknesses."""
        self._pause()
        written = [_PATHS[shape.kind]([self.put(point) for point in shot.corners[shape.name]]) for shot in self._shots]
        return element("path", _moving(clip, "d", written), id=shape.name, d=written[-1])

    def _member(self, member: Member, clip: Clip | None) -> str:
        solid = [shape for shape in member.shapes if shape.kind != "disc"]
        drawn = [self._stroke(shape, _INK, 2 * shape.radius * self.scale + 2 * _OUTLINE) for shape in solid]
        for shape in member.shapes:
            if shape.kind == "disc":
                drawn.append(self._disc(shape, clip))
                continue
            width = 2 * shape.radius * self.scale
            drawn.append(self._stroke(shape, _FILLS[shape.fill], width))
            if shape.radius > 0.02:
                shift = shape.radius * 0.28 * self.scale
                light = self._stroke(shape, _LIGHTS[shape.fill], width * 0.42, area_too=False)
                drawn.append(element("g", light, transform=f"translate({-shift:.0f} {-shift:.0f})"))
        return element("g", "".join(drawn), id=f"{member.name}-member")

    def _stroke(self, shape: Shape, colour: str, width: float, *, area_too: bool = True) -> str:
        fill = colour if shape.kind == "area" and area_too else "none"
        return element("use", href=f"#{shape.name}", stroke=colour, stroke_width=f"{width:.0f}", fill=fill)

    def _disc(self, shape: Shape, clip: Clip | None) -> str:
        if shape.fill in _FILLS:
            colours = [_FILLS[shape.fill]] * len(self._shots)
        else:
            colours = [_hex(shot.state.leds.get(shape.fill, (255, 255, 255))) for shot in self._shots]
        shown = ["hidden" if shape.name in shot.hidden else "visible" for shot in self._shots]
        moving = _moving(clip, "fill", colours) + _moving(clip, "visibility", shown, jumps=True)
        return element(
            "use",
            moving,
            href=f"#{shape.name}",
            fill=colours[-1],
            stroke=_INK,
            stroke_width=UNITS,
            visibility=shown[-1],
        )

    def _body(self, clip: Clip | None) -> str:
        """The members, in an order for each stretch of the film."""
        if clip is None:
            return element("g", _uses(orders([self._shots[-1]])[0][1]), stroke_linecap="round", stroke_linejoin="round")
        drawn = []
        stretches = orders(list(self._shots))
        for number, (first, order) in enumerate(stretches):
            end = stretches[number + 1][0] if number + 1 < len(stretches) else len(self._shots)
            shown = ["inline" if first <= index < end else "none" for index in range(len(self._shots))]
            drawn.append(element("g", clip.animate("display", shown, jumps=True) + _uses(order), display=shown[-1]))
        return element("g", "".join(drawn), stroke_linecap="round", stroke_linejoin="round")

    def _shadow(self, clip: Clip | None) -> str:
        written = [disc([self.put(point) for point in shot.shadow]) for shot in self._shots]
        return element("path", _moving(clip, "d", written), d=written[-1], fill="#1f2a3a", opacity="0.16")

    def _floor(self, clip: Clip | None) -> str:
        """A round piece of floor whose lines pass under a robot that walks."""
        x, y = self.put(self._under)
        rx = min(self._disc_m * self.scale, x - _EDGE, WIDTH - _EDGE - x)
        ry = rx * math.sin(ELEVATION)
        rim = {"cx": f"{x:.0f}", "cy": f"{y:.0f}", "rx": f"{rx:.0f}", "ry": f"{ry:.0f}"}
        shifts = [seen((-shot.state.x, -shot.state.y, 0.0)) for shot in self._shots]
        written = [f"{dx * self.scale:.0f} {dy * self.scale:.0f}" for dx, dy in shifts]
        lines = element(
            "path",
            clip.transform("translate", written) if clip else "",
            d=self._lines(),
            transform=f"translate({written[-1]})",
            stroke="#c7d2de",
            stroke_width=UNITS,
        )
        clipped = element("clipPath", element("ellipse", **rim), id="floor")
        return (
            element("defs", clipped)
            + element("ellipse", **rim, fill="#e6ecf3")
            + element("g", lines, clip_path="url(#floor)")
        )

    def _lines(self) -> str:
        """Lines on the floor wherever the robot comes, a good step apart, or further on a long way."""
        states = [shot.state for shot in self._shots]
        reach = 2 * self._disc_m
        x0, x1 = min(state.x for state in states) - reach, max(state.x for state in states) + reach
        y0, y1 = min(state.y for state in states) - reach, max(state.y for state in states) + reach
        apart = _LINES_M * math.ceil((x1 - x0 + y1 - y0) / _LINES_M / _MOST_LINES)
        strokes = [((x, y0), (x, y1)) for x in _every(apart, x0, x1)]
        strokes += [((x0, y), (x1, y)) for y in _every(apart, y0, y1)]
        return "".join(line([self.put(seen((x, y, 0.0))) for x, y in stroke]) for stroke in strokes)


def _uses(order: Sequence[str]) -> str:
    return "".join(element("use", href=f"#{name}-member") for name in order)


def _moving(clip: Clip | None, attribute: str, values: Sequence[str], *, jumps: bool = False) -> str:
    return clip.animate(attribute, values, jumps=jumps) if clip else ""


def _every(apart: float, low: float, high: float) -> list[float]:
    first = math.ceil(low / apart)
    return [apart * number for number in itertools.takewhile(lambda n: apart * n <= high, itertools.count(first))]


def _hex(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in colour)
