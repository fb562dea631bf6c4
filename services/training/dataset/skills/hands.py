"""The hands: opening, closing, taking and giving."""

from __future__ import annotations

from services.training.dataset.skills.body import joints, loop, often, upright
from services.training.dataset.task import Predicate, Step, Task, World, skill

_WORDS = {
    "L": (("your left hand", "the left hand"), ("左手", "你的左手", "左边的手")),
    "R": (("your right hand", "the right hand"), ("右手", "你的右手", "右边的手")),
    "LR": (("both hands", "your hands", "both your hands", "both of your hands"), ("双手", "两只手", "两手")),
    "": (("your hand", "one hand", "a hand"), ("手", "一只手")),
}
_NAMES = {"L": "left hand", "R": "right hand", "LR": "both hands", "": "hand"}
_SIDES = {"L": "left", "R": "right", "LR": "both", "": "either"}
# What people hold out or want back, in English and Chinese.
_HELD = (
    (
        "pen", "ball", "cup", "card", "box", "sweet", "toy", "flower", "letter", "cube", "screwdriver", "stick", "book",
        "banana", "remote control", "teddy bear", "phone", "ticket", "marker", "key", "tissue", "spoon", "flag",
        "water bottle", "baton", "present", "sticker", "brush", "notebook", "doll", "carrot", "ring",
    ),
    (
        "笔", "球", "杯子", "本子", "盒子", "苹果", "玩具", "娃娃", "瓶子", "积木", "遥控器", "面包", "书", "香蕉",
        "小熊", "手机", "票", "钥匙", "勺子", "旗子", "水瓶", "礼物", "贴纸", "刷子", "花", "糖", "信", "卡片",
        "纸巾", "尺子",
    ),
)  # fmt: skip


def _hand(world: World, state: str) -> Task | None:
    if not upright(world):
        return None
    sides = world.random.choices(list(_WORDS), [3, 3, 3, 2])[0]
    shown = _shown(sides, state)
    verb = "open" if state == "open" else "close"
    step = Step(f"{verb} {_NAMES[sides]}", _lines(sides, verb))
    return Task([step], _slots(world, sides), must=[shown], event=shown, tags=["hands"])


@skill("hands", weight=4.0)
def open_hand(world: World) -> Task | None:
    """Open one hand or both."""
    return _hand(world, "open")


@skill("hands", weight=4.0)
def close_hand(world: World) -> Task | None:
    """Close one hand or both."""
    return _hand(world, "closed")


@skill("hands", weight=1.0)
def open_and_close(world: World) -> Task | None:
    """Open a hand and close it again, once or several times."""
    if not upright(world):
        return None
    sides = world.random.choices(list(_WORDS), [3, 3, 2, 2])[0]
    slots = _slots(world, sides)
    opened, closed = _shown(sides, "open"), _shown(sides, "closed")
    lines = [*_lines(sides, "open"), *_lines(sides, "close")]
    if world.random.random() < 0.4:
        steps = [Step(f"{verb} {_NAMES[sides]}", _lines(sides, verb)) for verb in ("open", "close")]
        return Task(steps, slots, must=[opened, closed], event=opened, variant="once", tags=["hands", "sequence"])
    number, more = often(world, 6)
    counted = {"times": {"of": _shown(sides[:1], "open"), "count": [number, number]}}
    return Task(
        [Step(f"open and close {_NAMES[sides]} {number} times", loop(number, lines))],
        slots | more,
        must=[counted],
        event=opened,
        tags=["hands", "repetition"],
    )


@skill("hands", weight=0.9)
def take(world: World) -> Task | None:
    """Take what somebody holds out: reach, open the hand, close it."""
    if not upright(world):
        return None
    side, slots = _one_hand(world)
    reach = joints({f"{side}ShoulderPitch": 0.3})
    steps = [
        Step("reach out", [reach]),
        Step("open the hand", _lines(side, "open")),
        Step("grab it", _lines(side, "close")),
    ]
    opened = _shown(side, "open")
    must = [opened, _shown(side, "closed"), _out(side)]
    return Task(steps, slots, must=must, event=opened, variant=slots["variant"], tags=["hands"])


@skill("hands", weight=0.9)
def hand_over(world: World) -> Task | None:
    """Give what the robot holds: reach out and open the hand."""
    if not upright(world):
        return None
    side, slots = _one_hand(world)
    reach = joints({f"{side}ShoulderPitch": 0.3})
    steps = [Step("reach out", [reach]), Step("open the hand", _lines(side, "open"))]
    opened = _shown(side, "open")
    return Task(steps, slots, must=[opened, _out(side)], event=opened, variant=slots["variant"], tags=["hands"])


def _one_hand(world: World) -> tuple[str, dict[str, str]]:
    """The side, L or R, with slots; a hand that is not named is the right one."""
    side = world.random.choices(["", "L", "R"], [3, 1, 1])[0]
    thing = world.one_of(*_HELD)
    said = {"": "", "L": world.say("left", "左"), "R": world.say("right", "右")}[side]
    return side or "R", {"thing": thing, "side": said, "variant": "side" if side else ""}


def _slots(world: World, sides: str) -> dict[str, str]:
    en, zh = _WORDS[sides]
    return {"hand": world.one_of(en, zh)}


def _lines(sides: str, verb: str) -> list[str]:
    return [f'ALMotion.{verb}Hand("{side}Hand")' for side in sides or "R"]


def _shown(sides: str, state: str) -> Predicate:
    return {"hand": {"side": _SIDES[sides], "state": state}}


def _out(side: str) -> Predicate:
    return {"arm": {"side": _SIDES[side], "raised": [-40, 20]}}
