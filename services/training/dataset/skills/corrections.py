"""A detail that is corrected at once: "left, no, right". Only the corrected thing is done."""

from __future__ import annotations

from services.behavior.scene import Pose
from services.training.dataset.scenes import is_free
from services.training.dataset.skills.arms import DOWN, UP, arms_line, raised
from services.training.dataset.skills.body import joints, upright
from services.training.dataset.skills.head import DIRECTIONS
from services.training.dataset.skills.lights import COLOURS, glows, name_of
from services.training.dataset.skills.measures import angle, distance
from services.training.dataset.skills.turning import turns
from services.training.dataset.skills.walking import WAYS, walks
from services.training.dataset.task import Step, Task, World, skill

_SIDES = {"left": (1, "左"), "right": (-1, "右")}


@skill("corrections", weight=0.0, needs="Standing", joins=False, share=0.008)
def correct_way(world: World) -> Task | None:
    """Walk in the direction that was meant."""
    names = world.random.sample(list(WAYS), 2)
    wrong, right = (WAYS[name] for name in names)
    length = distance(world)
    if not is_free(world, right.leg(length.value)):
        return None
    slots = {
        "wrong": wrong.direction[0][0] if world.language == "en" else wrong.direction[1][0],
        "right": right.direction[0][0] if world.language == "en" else right.direction[1][0],
        "distance": length.said,
    }
    step = Step(f"walk {right.plan}", [right.call(length.code)], avoid="obstacles")
    return Task([step], slots, at_end=[walks(right.leg(length.value))], moved=right.leg(length.value), tags=["walking"])


@skill("corrections", weight=0.0, needs="Standing", joins=False, share=0.006)
def correct_length(world: World) -> Task | None:
    """Walk as far as was meant."""
    way = WAYS[world.random.choice(["ahead", "ahead", "back", "left", "right"])]
    wrong, right = distance(world), distance(world)
    if wrong.value == right.value or not is_free(world, way.leg(right.value)):
        return None
    slots = {**way.slots(world), "wrong": wrong.said, "right": right.said}
    step = Step(f"walk {way.plan}", [way.call(right.code)], avoid="obstacles")
    return Task([step], slots, at_end=[walks(way.leg(right.value))], moved=way.leg(right.value), tags=["walking"])


@skill("corrections", weight=0.0, needs="Standing", joins=False, share=0.005)
def correct_turn(world: World) -> Task:
    """Turn to the side that was meant."""
    side = world.random.choice(list(_SIDES))
    sign, chinese = _SIDES[side]
    by = angle(world)
    slots = {
        "wrong": world.say("right" if side == "left" else "left", "右" if side == "left" else "左"),
        "right": world.say(side, chinese),
        "angle": by.said,
    }
    call = f"ALMotion.moveTo(0.0, 0.0, {'-' if sign < 0 else ''}{by.code})"
    return Task(
        [Step(f"turn {side}", [call])],
        slots,
        at_end=[turns(sign * by.value)],
        moved=Pose(theta=sign * by.value),
        tags=["turning"],
    )


@skill("corrections", weight=0.0, joins=False, share=0.008)
def correct_part(world: World) -> Task | None:
    """Raise the arm, look the way or show the colour that was meant."""
    if not upright(world):
        return None
    kind = world.random.choice(["arm", "lower", "look", "colour"])
    if kind == "colour":
        wrong, right = world.random.sample(list(COLOURS), 2)
        words = [name_of(world, wrong), name_of(world, right)]
        step = Step(f"eyes {right}", [f'ALLeds.fadeRGB("FaceLeds", {COLOURS[right][0]}, 0.5)'])
        must, must_not = glows("eyes", right), glows("eyes", wrong)
    elif kind == "look":
        wrong, right = world.random.sample(list(DIRECTIONS), 2)
        words = [world.say(way, DIRECTIONS[way][4][0]) for way in (wrong, right)]
        step = Step(f"look {right}", [joints({DIRECTIONS[right][0]: DIRECTIONS[right][1]})])
        must, must_not = [{"looks": DIRECTIONS[right][2]}], [{"looks": DIRECTIONS[wrong][2]}]
    else:
        wrong, right = world.random.sample(list(_SIDES), 2)
        words = [world.say(side, _SIDES[side][1]) for side in (wrong, right)]
        side, pose = right[0].upper(), UP if kind == "arm" else DOWN
        step = Step(f"{'raise' if kind == 'arm' else 'lower'} {right} arm", [arms_line(side, pose)])
        must = [raised(side, 50, None) if kind == "arm" else raised(side, None, -50)]
        must_not = [raised(wrong[0].upper(), 50, None)] if kind == "arm" else []
    slots = {"wrong": words[0], "right": words[1]}
    return Task([step], slots, must=must, must_not=must_not, event=must[0], variant=kind, tags=["correction"])
