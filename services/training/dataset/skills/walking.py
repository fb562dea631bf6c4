"""Walking by distances and angles, in whatever unit they are told."""

from __future__ import annotations

import math

from services.behavior.scene import Pose
from services.training.dataset.task import Step, Task, World, skill

_DIRECTIONS = {
    "ahead": (1.0, 0.0, ("forward", "ahead", "forwards", "straight ahead"), ("前", "前面", "前方")),
    "back": (-1.0, 0.0, ("back", "backward", "backwards"), ("后", "后面", "后方")),
    "left": (0.0, 1.0, ("to the left", "left", "to your left"), ("左", "左边", "左侧")),
    "right": (0.0, -1.0, ("to the right", "right", "to your right"), ("右", "右边", "右侧")),
}


@skill("walking", weight=3.0, needs="Standing")
def walk(world: World) -> Task:
    """Walk a distance in a direction."""
    way = world.random.choices(list(_DIRECTIONS), [5, 3, 2, 2])[0]
    ahead, left, en, zh = _DIRECTIONS[way]
    metres, code, said = _distance(world)
    x, y = (_signed(code, sign) if sign else "0.0" for sign in (ahead, left))
    moved = Pose(ahead * metres, left * metres)
    low, high = metres * 0.9 - 0.02, metres * 1.1 + 0.02
    bearing = math.degrees(math.atan2(left, ahead))
    shown = {"walks": {"distance": [round(low, 3), round(high, 3)], "bearing": [bearing - 10, bearing + 10]}}
    return Task(
        [Step(f"walk {en[0]}", [f"ALMotion.moveTo({x}, {y}, 0.0)"], avoid="obstacles")],
        {"direction": world.one_of(en, zh), "distance": said},
        at_end=[shown],
        event={"moves": "walk"},
        moved=moved,
        tags=["walking"],
    )


def _signed(code: str, sign: float) -> str:
    return code if sign > 0 else f"-{code}"


def _distance(world: World) -> tuple[float, str, str]:
    """Metres, the code that computes them, and how people say it."""
    rng = world.random
    unit = rng.choices(["m", "cm"], [1, 1])[0]
    if unit == "cm":
        number = rng.choice([*range(10, 100, 5), 100, 120, 150, 200])
        return (
            number / 100,
            f"{number} / 100",
            f"{number} {world.one_of(['cm', 'centimetres', 'centimeters'], ['厘米', '公分'])}",
        )
    number = rng.choice([0.3, 0.5, 0.8, 1, 1.2, 1.5, 2, 2.5, 3])
    unit_word = world.say("metre" if number == 1 else "metres", "米")
    return float(number), f"{float(number)}", f"{number:g} {unit_word}"
