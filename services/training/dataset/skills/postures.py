"""Postures: standing up, sitting, crouching, lying, resting and waking up."""

from __future__ import annotations

from services.training.dataset.skills.body import RESTING, loop, often
from services.training.dataset.task import Make, Predicate, Step, Task, World, skill

#: Skill: posture of NAO, family, goal in a plan, how often it is drawn.
POSTURES = {
    "stand": ("Stand", "Standing", "stand up", 7.0),
    "sit": ("Sit", "Sitting", "sit down", 8.0),
    "sit_relaxed": ("SitRelax", "Sitting", "sit relaxed", 0.8),
    "crouch": ("Crouch", "Crouching", "crouch", 3.0),
    "lie_belly": ("LyingBelly", "LyingBelly", "lie on the belly", 0.9),
    "lie_back": ("LyingBack", "LyingBack", "lie on the back", 0.9),
}
_STAND_LINE = 'ALRobotPosture.goToPosture("Stand", 0.5)'
#: Down and up again: wording in English and in Chinese.
_DOWN = {
    "sit": (("sit down", "sit", "take a seat"), ("坐下", "坐下来")),
    "crouch": (("crouch", "crouch down", "squat down", "squat"), ("蹲下", "蹲下去")),
    "lie_back": (("lie on your back", "lie down on your back"), ("仰面躺下", "平躺下")),
    "lie_belly": (("lie on your belly", "lie down on your stomach"), ("趴下", "趴到地上")),
}


def go_to(posture: str, speed: str = "0.5") -> str:
    """The line that takes a posture."""
    return f'ALRobotPosture.goToPosture("{posture}", {speed})'


def _posture(name: str, posture: str, family: str, goal: str) -> Make:
    def make(world: World) -> Task:
        shown = {"posture": family}
        step = Step(goal, [go_to(posture)])
        return Task([step], must=[shown], event=shown, leaves=family, tags=["posture"])

    make.__name__ = name
    make.__doc__ = f"Go to the posture {posture}."
    return make


for _name, (_where, _family, _goal, _weight) in POSTURES.items():
    skill("postures", weight=_weight)(_posture(_name, _where, _family, _goal))


@skill("postures", weight=2.0)
def rest(world: World) -> Task:
    """Crouch and switch the motors off."""
    step = Step("rest", ["ALMotion.rest()"])
    shown: Predicate = {"posture": "Crouching"}
    return Task(
        [step],
        must=[shown, {"calls": {"method": "ALMotion.rest", "times": [1, None]}}],
        event=shown,
        leaves=RESTING,
        tags=["posture"],
    )


@skill("postures", weight=0.9)
def wake_up(world: World) -> Task:
    """Switch the motors on and stand."""
    step = Step("wake up", ["ALMotion.wakeUp()"])
    shown: Predicate = {"posture": "Standing"}
    return Task([step], must=[shown, {"motors": "on"}], event=shown, leaves="Standing", tags=["posture"])


@skill("postures", weight=0.6)
def posture_quickly(world: World) -> Task:
    """Take a posture fast or slowly."""
    name = world.random.choice(["sit", "stand", "crouch"])
    quick = world.random.random() < 0.5
    posture, family, goal, _ = POSTURES[name]
    speed, manner = ("1.0", "quickly") if quick else ("0.2", "slowly")
    en = {"sit": ("sit down", "sit"), "stand": ("stand up", "get up"), "crouch": ("crouch", "crouch down")}[name]
    zh = {"sit": ("坐下", "坐下来"), "stand": ("站起来", "起立"), "crouch": ("蹲下", "蹲下来")}[name]
    shown: Predicate = {"posture": family}
    return Task(
        [Step(f"{goal} {manner}", [go_to(posture, speed)])],
        {"posture": world.one_of(en, zh)},
        must=[shown],
        event=shown,
        leaves=family,
        variant=manner,
        tags=["posture"],
    )


@skill("postures", weight=1.0)
def down_and_up(world: World) -> Task:
    """Go down and get up again, once or several times."""
    name = world.random.choices(list(_DOWN), [5, 4, 1, 1])[0]
    posture, family, goal, _ = POSTURES[name]
    en, zh = _DOWN[name]
    slots = {"down": world.one_of(en, zh)}
    shown: Predicate = {"posture": family}
    if name in ("sit", "crouch") and world.random.random() < 0.5:
        number, often_slots = often(world, 5)
        steps = [Step(f"{goal} and stand up {number} times", loop(number, [go_to(posture), _STAND_LINE]))]
        called: Predicate = {"calls": {"method": "ALRobotPosture.goToPosture", "times": [2 * number, None]}}
        return Task(
            steps,
            slots | often_slots,
            must=[shown, called],
            event=shown,
            leaves="Standing",
            variant="times",
            tags=["posture", "repetition"],
        )
    steps = [Step(goal, [go_to(posture)]), Step("stand up", [_STAND_LINE])]
    return Task(steps, slots, must=[shown, {"posture": "Standing"}], event=shown, leaves="Standing", tags=["posture"])
