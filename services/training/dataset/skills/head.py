"""The head: looking in directions, by degrees, around, to and fro."""

from __future__ import annotations

from typing import Any

from services.training.dataset.skills.body import angle_words, chain, degrees, joints, loop, often, upright
from services.training.dataset.task import Predicate, Step, Task, World, skill

#: Direction: joint, angle in NAO's sign, what shows it, wording in English and Chinese.
DIRECTIONS: dict[str, tuple[str, float, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "left": ("HeadYaw", 0.8, {"yaw": [25, 119]}, ("left", "to the left", "to your left"), ("左", "左边", "左侧")),
    "right": (
        "HeadYaw",
        -0.8,
        {"yaw": [-119, -25]},
        ("right", "to the right", "to your right"),
        ("右", "右边", "右侧"),
    ),
    "up": ("HeadPitch", -0.5, {"pitch": [18, 40]}, ("up", "upwards", "upward"), ("上", "上面", "上方")),
    "down": ("HeadPitch", 0.35, {"pitch": [-40, -12]}, ("down", "downwards", "downward"), ("下", "下面", "下方")),
}
_CORNERS = {
    "up left": (
        [0.8, -0.4],
        {"yaw": [25, 119], "pitch": [12, 40]},
        ("up and to the left", "up to the left", "to the upper left"),
        ("左上方", "左上角"),
    ),
    "up right": (
        [-0.8, -0.4],
        {"yaw": [-119, -25], "pitch": [12, 40]},
        ("up and to the right", "up to the right", "to the upper right"),
        ("右上方", "右上角"),
    ),
    "down left": (
        [0.8, 0.3],
        {"yaw": [25, 119], "pitch": [-40, -10]},
        ("down and to the left", "down to the left", "to the lower left"),
        ("左下方", "左下角"),
    ),
    "down right": (
        [-0.8, 0.3],
        {"yaw": [-119, -25], "pitch": [-40, -10]},
        ("down and to the right", "down to the right", "to the lower right"),
        ("右下方", "右下角"),
    ),
}
#: The head is raised by so much when the robot stands.
_RAISED_DEG = 15
_SHORT_ZH = {"left": "左", "right": "右", "up": "上", "down": "下"}


@skill("head", weight=5.0)
def look_way(world: World) -> Task | None:
    """Look left, right, up or down."""
    if not upright(world):
        return None
    way = world.random.choice(list(DIRECTIONS))
    joint, angle, seen, en, zh = DIRECTIONS[way]
    shown: Predicate = {"looks": seen}
    where = world.one_of((f"on the {way}", f"on your {way}", f"to your {way}"), zh[1:])
    slots = {"way": world.one_of(en, zh), "where": where}
    step = Step(f"look {way}", [joints({joint: angle})])
    variant = "aside" if joint == "HeadYaw" else way
    return Task([step], slots, must=[shown], event=shown, variant=variant, tags=["head"])


@skill("head", weight=0.8)
def look_corner(world: World) -> Task | None:
    """Look aside and up or down at once."""
    if not upright(world):
        return None
    way = world.random.choice(list(_CORNERS))
    angles, seen, en, zh = _CORNERS[way]
    shown: Predicate = {"looks": seen}
    step = Step(f"look {way}", [chain("Head", angles)])
    return Task([step], {"way": world.one_of(en, zh)}, must=[shown], event=shown, tags=["head"])


@skill("head", weight=3.0)
def turn_head(world: World) -> Task | None:
    """Turn the head by an angle in degrees."""
    if not upright(world):
        return None
    way = world.random.choices(list(DIRECTIONS), [4, 4, 2, 2])[0]
    joint, nominal, _, en, zh = DIRECTIONS[way]
    sign = 1 if nominal > 0 else -1
    number = world.random.choice({"HeadYaw": range(15, 115, 5), "HeadPitch": range(10, 30, 5)}[joint])
    seen = number if (joint == "HeadYaw") == (sign > 0) else -number
    shown: Predicate = {"looks": {"yaw" if joint == "HeadYaw" else "pitch": [seen - 4, seen + 4]}}
    step = Step(f"turn the head {number} degrees {way}", [joints({joint: degrees(number, sign)})])
    slots = {"way": world.one_of(en[:2], zh[:2]), "angle": angle_words(world, number)}
    variant = "aside" if joint == "HeadYaw" else "tilt"
    event = shown if joint == "HeadYaw" or number > _RAISED_DEG else None
    return Task([step], slots, must=[shown], event=event, variant=variant, tags=["head", "degrees"])


@skill("head", weight=1.0)
def look_ahead(world: World) -> Task | None:
    """Look straight ahead."""
    if not upright(world):
        return None
    shown: Predicate = {"looks": {"yaw": [-3, 3], "pitch": [-3, 3]}}
    step = Step("look straight ahead", [chain("Head", [0.0, 0.0])])
    return Task([step], must=[shown], event=shown, tags=["head"])


@skill("head", weight=1.0)
def look_around(world: World) -> Task | None:
    """Look left and right, then ahead."""
    if not upright(world):
        return None
    lines = ["for yaw in [0.8, -0.8, 0.0]:", f"    {joints({'HeadYaw': 'yaw'})}"]
    left, right = ({"looks": DIRECTIONS[side][2]} for side in ("left", "right"))
    return Task([Step("look around", lines)], must=[left, right], event=left, tags=["head"])


@skill("head", weight=2.4)
def look_sequence(world: World) -> Task | None:
    """Look in two or three directions, one after the other."""
    if not upright(world):
        return None
    count = world.random.choices([2, 3], [3, 1])[0]
    ways = world.random.sample(list(DIRECTIONS), count)
    steps = [Step(f"look {way}", [joints({DIRECTIONS[way][0]: DIRECTIONS[way][1]})]) for way in ways]
    must = [{"looks": DIRECTIONS[way][2]} for way in ways]
    slots = {}
    for number, way in enumerate(ways, start=1):
        slots[f"w{number}"] = world.one_of(DIRECTIONS[way][3][:2], (_SHORT_ZH[way],))
    return Task(steps, slots, must=must, event=must[0], variant=str(count), tags=["head", "sequence"])


@skill("head", weight=1.2)
def look_times(world: World) -> Task | None:
    """Look to and fro several times."""
    if not upright(world):
        return None
    pairs = [("left", "right"), ("up", "down")]  # Chinese has one order of each
    if world.language == "en":
        pairs += [("right", "left"), ("down", "up")]
    one, other = world.random.choice(pairs)
    number, slots = often(world, 6)
    lines = [joints({DIRECTIONS[way][0]: DIRECTIONS[way][1]}) for way in (one, other)]
    first, second = ({"looks": DIRECTIONS[way][2]} for way in (one, other))
    slots |= {"w1": world.say(one, _SHORT_ZH[one]), "w2": world.say(other, _SHORT_ZH[other])}
    return Task(
        [Step(f"look {one} and {other} {number} times", loop(number, lines))],
        slots,
        must=[{"times": {"of": one_way, "count": [number, number]}} for one_way in (first, second)],
        event=first,
        tags=["head", "repetition"],
    )
