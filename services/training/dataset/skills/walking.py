"""Walking by distances, in whatever unit and direction they are told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from services.behavior.scene import Pose
from services.training.dataset.scenes import along, is_free
from services.training.dataset.skills.measures import Measure, distance, signed, steps
from services.training.dataset.task import Predicate, Step, Task, World, skill

#: Longest way of one call, metres.
LONGEST_M = 3.0
_A_BIT = Measure(0.2, "0.2", "")
_PLAIN = Measure(0.5, "0.5", "")
_DIAGONAL = 0.7071


@dataclass(frozen=True)
class Way:
    """A direction: its shares ahead and to the left, its name in plans, and how people say it."""

    ahead: float
    left: float
    plan: str
    #: After a verb: "walk … to the left"; 向…走.
    direction: tuple[list[str], list[str]]
    #: With the verb.
    go: tuple[list[str], list[str]]

    def call(self, code: str) -> str:
        """The call that walks so far, given as code."""
        if self.ahead and self.left:
            code = f"{_DIAGONAL} * {code}"
        return f"ALMotion.moveTo({signed(code, self.ahead)}, {signed(code, self.left)}, 0.0)"

    def leg(self, metres: float) -> Pose:
        """Where the call leads to."""
        return Pose(self.ahead * metres, self.left * metres)

    def slots(self, world: World) -> dict[str, str]:
        """The words for it."""
        return {"direction": world.one_of(*self.direction), "go": world.one_of(*self.go)}


WAYS = {
    "ahead": Way(
        1, 0, "forward",
        (["forward", "forward", "forwards", "ahead", "straight ahead"], ["前", "前", "前面", "前方", "正前方"]),
        (["walk forward", "go forward", "move forward", "step forward", "walk straight ahead", "advance",
          "walk ahead", "move forwards", "head forward"],
         ["往前走", "向前走", "前进", "朝前走", "直走", "往前移动", "向前移动"]),
    ),
    "back": Way(
        -1, 0, "back",
        (["back", "backward", "backwards", "to the rear"], ["后", "后", "后面", "后方"]),
        (["walk backward", "go back", "move back", "step back", "walk backwards", "back up", "reverse", "retreat",
          "move backwards", "go backwards"],
         ["往后退", "后退", "向后退", "倒退", "往后走", "向后走", "退后", "向后移动"]),
    ),
    "left": Way(
        0, 1, "left",
        (["left", "to the left", "to your left", "leftwards"], ["左", "左", "左边", "左侧", "左面"]),
        (["walk left", "go left", "move to the left", "step to the left", "sidestep left", "shift left", "step left",
          "move left", "walk sideways to the left", "scoot left"],
         ["往左走", "向左走", "左移", "往左移", "向左平移", "往左边挪", "向左侧走", "往左横着走"]),
    ),
    "right": Way(
        0, -1, "right",
        (["right", "to the right", "to your right", "rightwards"], ["右", "右", "右边", "右侧", "右面"]),
        (["walk right", "go right", "move to the right", "step to the right", "sidestep right", "shift right",
          "step right", "move right", "walk sideways to the right", "scoot right"],
         ["往右走", "向右走", "右移", "往右移", "向右平移", "往右边挪", "向右侧走", "往右横着走"]),
    ),
}  # fmt: skip
_SLANTS = {
    f"{end} {side}": Way(
        ahead * _DIAGONAL,
        left * _DIAGONAL,
        f"{end} {side}",
        (
            [f"diagonally {end} to the {side}", f"diagonally {end} and {side}", f"{end}-{side}"],
            [zh_side + zh_end, zh_side + zh_end + "方"],
        ),
        (
            [
                f"walk diagonally {end} to the {side}",
                f"move diagonally {end} {side}",
                f"go {end} and {side} at an angle",
            ],
            [f"往{zh_side}{zh_end}方走", f"向{zh_side}{zh_end}走", f"朝{zh_side}{zh_end}方移动"],
        ),
    )
    for end, zh_end, ahead in (("forward", "前", 1), ("back", "后", -1))
    for side, zh_side, left in (("left", "左", 1), ("right", "右", -1))
}


def some_way(world: World, slanted: float = 0.1) -> Way:
    """A random direction, now and then between two."""
    if world.random.random() < slanted:
        return world.random.choice(list(_SLANTS.values()))
    return world.random.choices(list(WAYS.values()), [5, 3, 2, 2])[0]


def walks(*legs: Pose) -> Predicate:
    """What shows that it came as far as these walks lead."""
    end = along(*legs)
    metres = math.hypot(end.x, end.y)
    slack = min(0.1 * metres, 0.1) + 0.03
    shown: dict[str, list[float]] = {"distance": [round(max(metres - slack, 0.0), 3), round(metres + slack, 3)]}
    if metres > 0.05:
        bearing = math.degrees(math.atan2(end.y, end.x))
        shown["bearing"] = [round(bearing - 12, 1), round(bearing + 12, 1)]
    return {"walks": shown}


@skill("walking", weight=18.0, needs="Standing")
def walk(world: World) -> Task | None:
    """Walk in a direction: a distance, some steps, a bit, or as far as usual."""
    way = some_way(world)
    variant = world.random.choices(["", "steps", "bit", "plain", "slow", "far", "near"], [50, 14, 9, 8, 6, 6, 7])[0]
    if variant == "steps":
        length = steps(world)
    elif variant in ("bit", "plain"):
        length = _A_BIT if variant == "bit" else _PLAIN
    else:
        length = distance(world, *((LONGEST_M + 0.1, 6.0) if variant == "far" else (0.1, LONGEST_M)))
    if variant == "near":
        variant = world.random.choice(["closer", "off"])
        way = WAYS["ahead" if variant == "closer" else "back"]
    calls = [way.call(length.code)]
    if variant == "far":
        variant = ""
        calls = ["for i in range(2):", f"    {way.call(f'{length.code} / 2')}"]
    if not is_free(world, way.leg(length.value)):
        return None
    step = Step(f"walk {way.plan}", calls, prefer="slowly" if variant == "slow" else "", avoid="obstacles")
    return Task(
        [step],
        {**way.slots(world), "distance": length.said},
        at_end=[walks(way.leg(length.value))],
        event={"moves": "walk"},
        moved=way.leg(length.value),
        variant=variant,
        tags=["walking"],
    )


@skill("walking", weight=1.6, needs="Standing")
def walk_twice(world: World) -> Task | None:
    """Walk in one direction, then in another, or there and back."""
    one = some_way(world, 0.0)
    first = distance(world, most=2.0)
    back = world.random.random() < 0.35
    if back:
        other = Way(-one.ahead, -one.left, "back", one.direction, one.go)
        second = first
    else:
        other = world.random.choice([way for way in WAYS.values() if way.ahead != one.ahead and way.left != one.left])
        second = distance(world, most=2.0)
    legs = one.leg(first.value), other.leg(second.value)
    if not is_free(world, *legs):
        return None
    slots = {**one.slots(world), "distance": first.said, "distance2": second.said}
    slots |= {f"{name}2": words for name, words in other.slots(world).items()}
    return Task(
        [
            Step(f"walk {one.plan}", [one.call(first.code)], avoid="obstacles"),
            Step(f"walk {other.plan}", [other.call(second.code)], avoid="obstacles"),
        ],
        slots,
        at_end=[{"walked": {"path": _around(first.value + second.value)}}, walks(*legs)],
        event={"moves": "walk"},
        moved=along(*legs),
        variant="back" if back else "",
        tags=["walking"],
    )


@skill("walking", weight=0.6, needs="Standing")
def pace(world: World) -> Task | None:
    """Walk back and forth some times."""
    ways = [WAYS["ahead"], WAYS["back"]] if world.random.random() < 0.7 else [WAYS["left"], WAYS["right"]]
    sideways = bool(ways[0].left)
    times = world.random.randint(2, 5)
    told = world.random.random() < 0.6
    length = distance(world, 0.15, 1.0) if told else Measure(0.3, "0.3", "")
    legs = [way.leg(length.value) for way in ways]
    if not is_free(world, *legs):
        return None
    variant = ("side" if sideways else "ahead") + ("_told" if told else "")
    return Task(
        [
            Step(
                "walk to and fro",
                [f"for i in range({times}):", *(f"    {way.call(length.code)}" for way in ways)],
                avoid="obstacles",
            )
        ],
        {"times": count(world, times), "distance": length.said},
        at_end=[{"walked": {"path": _around(2 * times * length.value)}}, {"walks": {"distance": [0.0, 0.1]}}],
        event={"moves": "walk"},
        variant=variant,
        tags=["walking", "repetition"],
    )


@skill("walking", weight=0.5, joins=False)
def stop(world: World) -> Task:
    """Stop walking."""
    shown = {"calls": {"method": "ALMotion.stopMove", "times": [1, None]}}
    return Task([Step("stop", ["ALMotion.stopMove()"])], must=[shown], event=shown, tags=["walking"])


@skill("walking", weight=0.4, needs="Standing", joins=False)
def walk_and_talk(world: World) -> Task | None:
    """Speak and walk, one after the other: no grammar lets a model write a walk that something else has to end."""
    way = world.random.choice([WAYS["ahead"], WAYS["back"]])
    leg = way.leg(_PLAIN.value)
    if not is_free(world, leg):
        return None
    text = world.one_of(
        ["Here I come!", "Make way, please.", "I am walking.", "Excuse me, please.", "Hello everyone!", "Beep, beep!"],
        ["我来啦！", "请让一让。", "我正在走路。", "借过一下。", "大家好！", "嘀嘀嘀！"],
    )
    lines = [f'ALTextToSpeech.say("{text}")', way.call(_PLAIN.code)]
    return Task(
        [Step(f"talk and walk {way.plan}", lines, avoid="obstacles")],
        {**way.slots(world), "text": text.rstrip(".。!！")},
        must=[{"says": {"any": [text.rstrip(".。!！")]}}],
        at_end=[walks(leg)],
        event={"moves": "walk"},
        moved=leg,
        tags=["walking", "speech"],
    )


def count(world: World, times: int) -> str:
    """How often, in words."""
    words = {1: "once", 2: "twice", 3: "three times", 4: "four times", 5: "five times", 6: "six times"}
    if world.language == "en":
        return words[times] if world.random.random() < 0.7 or times < 2 else f"{times} times"
    digit = "零一两三四五六"[times] if world.random.random() < 0.7 else str(times)
    return f"{digit}{world.random.choice(['次', '遍', '回'])}"


def _around(metres: float) -> list[float]:
    return [round(metres * 0.9 - 0.03, 3), round(metres * 1.1 + 0.03, 3)]
