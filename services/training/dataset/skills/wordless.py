"""Without a word or without a step: yes and no by the head alone, and things that are not to be done besides."""

from __future__ import annotations

from collections.abc import Mapping

from services.behavior.scene import Pose
from services.training.dataset.phrases import books
from services.training.dataset.scenes import is_free
from services.training.dataset.skills.body import animation, can_animate, joints, upright
from services.training.dataset.skills.gestures import GESTURES
from services.training.dataset.skills.head import DIRECTIONS
from services.training.dataset.skills.measures import distance
from services.training.dataset.skills.walking import WAYS, walks
from services.training.dataset.targets import choose
from services.training.dataset.task import Predicate, Step, Task, World, skill


@skill("wordless", weight=0.0, joins=False, share=0.012)
def yes_or_no(world: World) -> Task | None:
    """Answer a question by nodding or shaking the head."""
    if not can_animate(world):
        return None
    yes = world.random.random() < 0.5
    asked = world.random.choice(books()[f"asked.{'yes' if yes else 'no'}.{world.language}.any"]).text
    lower = asked if asked.startswith("I ") else asked[0].lower() + asked[1:]
    return _silent(world, "nod" if yes else "shake_head", {"asked": asked, "lower": lower})


@skill("wordless", weight=0.0, joins=False, share=0.006)
def silently(world: World) -> Task | None:
    """Make a gesture and say nothing."""
    if not can_animate(world):
        return None
    kind = world.random.choice(["wave", "nod", "shake_head", "bow", "applaud", "shrug"])
    words = {
        "wave": ("wave", "挥挥手"),
        "nod": ("nod", "点点头"),
        "shake_head": ("shake your head", "摇摇头"),
        "bow": ("bow", "鞠个躬"),
        "applaud": ("clap your hands", "鼓鼓掌"),
        "shrug": ("shrug", "耸耸肩"),
    }[kind]
    return _silent(world, kind, {"act": world.say(*words)})


def _silent(world: World, kind: str, slots: Mapping[str, str]) -> Task:
    name, goal, _ = GESTURES[kind]
    shown: Predicate = {"gesture": kind}
    return Task(
        [Step(goal, [animation(world, name)])],
        slots,
        must=[shown],
        must_not=[{"says": {}}],
        event=shown,
        tags=["gesture", "wordless"],
    )


@skill("wordless", weight=0.0, joins=False, share=0.004)
def on_the_spot(world: World) -> Task | None:
    """Turn the head only, without walking."""
    if not upright(world):
        return None
    way = world.random.choice(["left", "right"])
    joint, angle, seen, en, zh = DIRECTIONS[way]
    shown: Predicate = {"looks": seen}
    return Task(
        [Step(f"look {way}", [joints({joint: angle})])],
        {"way": world.one_of(en, zh)},
        must=[shown],
        must_not=[{"moves": "walk"}],
        event=shown,
        tags=["head"],
    )


@skill("wordless", weight=1.2, needs="Standing")
def sidestep(world: World) -> Task | None:
    """Walk aside without a turn."""
    side = world.random.choice(["left", "right"])
    length = distance(world, 0.1, 2.0)
    leg = WAYS[side].leg(length.value)
    if not is_free(world, leg):
        return None
    return Task(
        [Step(f"walk {side}", [WAYS[side].call(length.code)], avoid="obstacles")],
        {"side": world.say(side, WAYS[side].direction[1][0]), "distance": length.said},
        at_end=[walks(leg)],
        event={"moves": "walk"},
        moved=leg,
        tags=["walking"],
    )


@skill("wordless", weight=0.0, joins=False, share=0.005)
def how_far(world: World) -> Task | None:
    """Say how far away a thing or a person is."""
    target = choose(world)
    if target is None or "离" in target.said or "最" in target.said:
        return None
    metres = round(target.distance, 1)
    code = f'str(round(scene.distance("{target.name}"), 1))'
    told = world.say(f'"It is " + {code} + " metres away."', f'"离我" + {code} + "米。"')
    return Task(
        [Step("say how far it is", [f"ALTextToSpeech.say({told})"], target=target.name)],
        target.slots(world),
        must=[{"says": {"any": [f"{metres}"]}}],
        outcome="words",
        tags=["scene", "words"],
    )


@skill("wordless", weight=0.0, needs="Standing", joins=False, share=0.004)
def too_close(world: World) -> Task | None:
    """Step back from what is only mentioned."""
    if not is_free(world, Pose(x=-0.3)):
        return None
    thing = world.one_of(
        ["the exhibit", "the glass case", "the edge", "the stage", "the screen", "the paintings", "the heater"],
        ["展品", "玻璃柜", "台边", "舞台", "屏幕", "画", "暖气"],
    )
    return Task(
        [Step("step back", ["ALMotion.moveTo(-0.3, 0.0, 0.0)"], avoid="obstacles")],
        {"thing": thing},
        at_end=[walks(Pose(x=-0.3))],
        moved=Pose(x=-0.3),
        tags=["walking", "hint"],
    )
