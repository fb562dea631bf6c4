"""The arms: raised, lowered, stretched, bent, by degrees, pointing, and single joints by name."""

from __future__ import annotations

from services.training.dataset.skills.body import angle_words, chain, degrees, joints, loop, often, upright
from services.training.dataset.task import Predicate, Step, Task, World, skill

# Sides: wording in English and Chinese. An arm that is not named is the right one.
_WORDS = {
    "L": (("your left arm", "the left arm", "your left hand", "left arm"), ("左手", "左臂", "左胳膊", "左手臂")),
    "R": (("your right arm", "the right arm", "your right hand", "right arm"), ("右手", "右臂", "右胳膊", "右手臂")),
    "LR": (
        ("both arms", "your arms", "both your arms", "your hands", "both hands"),
        ("双手", "双臂", "两只手", "两只胳膊", "两臂"),
    ),
    "": (("your arm", "an arm", "one arm"), ("一只手", "胳膊", "一只胳膊", "手臂")),
}
NAMES = {"L": "left arm", "R": "right arm", "LR": "both arms", "": "right arm"}
_SIDES = {"L": "left", "R": "right", "LR": "both", "": "either"}
# Shoulder pitch and roll of a left arm, and its elbow if the arm is straight.
UP, DOWN = (-1.3, 0.2), (1.4, 0.2)
AHEAD, ASIDE = (0.0, 0.1, -0.05), (0.0, 1.3, -0.05)
_JOINTS = ("ShoulderPitch", "ShoulderRoll", "ElbowRoll")
#: Arms that hang by themselves may be as far up as this, degrees over the horizontal, and elbows as far bent.
_HANGING_DEG, _BENT_DEG = -55, 30
_ANGLES = (20, 25, 30, 35, 40, 45, 50, 60, 70, 75, 80, 90)


def arms_line(sides: str, pose: tuple[float, ...], speed: float = 0.2) -> str:
    """The line that brings arms (L, R or LR) into a pose."""
    angles: dict[str, float | str] = {}
    for side in sides or "R":
        mirrored = [pose[0], *(angle if side == "L" else -angle for angle in pose[1:])]
        angles |= {side + joint: angle for joint, angle in zip(_JOINTS, mirrored, strict=False)}
    return joints(angles, speed)


def raised(sides: str, low: float | None, high: float | None) -> Predicate:
    """The expectation that arms are at an angle over the horizontal."""
    return {"arm": {"side": _SIDES[sides], "raised": [low, high]}}


def _draw(world: World, weights: tuple[int, int, int, int] = (3, 3, 4, 1)) -> tuple[str, dict[str, str]]:
    sides = world.random.choices(list(_WORDS), weights)[0]
    en, zh = _WORDS[sides]
    return sides, {"arm": world.one_of(en, zh)}


def _pose(world: World, verb: str, pose: tuple[float, ...], low: float | None, high: float | None) -> Task | None:
    if not upright(world):
        return None
    sides, slots = _draw(world)
    shown = raised(sides, low, high)
    step = Step(verb.format(NAMES[sides]), [arms_line(sides, pose)])
    event = None if pose is DOWN else shown  # arms that hang may not have been lowered: nothing shows when
    return Task([step], slots, must=[shown], event=event, tags=["arms"])


@skill("arms", weight=7.0)
def raise_arm(world: World) -> Task | None:
    """Raise one arm or both."""
    return _pose(world, "raise {}", UP, 50, None)


@skill("arms", weight=3.0)
def lower_arm(world: World) -> Task | None:
    """Lower one arm or both."""
    return _pose(world, "lower {}", DOWN, None, -50)


@skill("arms", weight=1.2)
def stretch_ahead(world: World) -> Task | None:
    """Stretch one arm or both to the front."""
    return _pose(world, "stretch {} ahead", AHEAD, -15, 15)


@skill("arms", weight=1.2)
def stretch_aside(world: World) -> Task | None:
    """Stretch one arm or both out to the side."""
    task = _pose(world, "stretch {} aside", ASIDE, -15, 15)
    if task is None:
        return None
    both = " both" in task.steps[0].goal
    left = "left" in task.steps[0].goal
    rolls: list[Predicate] = []
    if both or left:
        rolls.append({"joint": {"name": "LShoulderRoll", "degrees": [60, 90]}})
    if both or not left:
        rolls.append({"joint": {"name": "RShoulderRoll", "degrees": [-90, -60]}})
    return Task(
        task.steps,
        task.slots,
        must=[*task.must, *rolls],
        event=rolls[0],
        variant="both" if both else "",
        tags=["arms"],
    )


@skill("arms", weight=0.9)
def t_pose(world: World) -> Task | None:
    """Both arms out, like the letter T."""
    if not upright(world):
        return None
    shown: Predicate = {"joint": {"name": "LShoulderRoll", "degrees": [60, 90]}}
    step = Step("make a T-pose", [arms_line("LR", ASIDE)])
    return Task([step], must=[shown, raised("LR", -15, 15)], event=shown, tags=["arms"])


@skill("arms", weight=1.4)
def arm_up_and_down(world: World) -> Task | None:
    """Raise arms and lower them again, once or several times."""
    if not upright(world):
        return None
    sides, slots = _draw(world)
    up, down = raised(sides, 50, None), raised(sides, None, -50)
    lines = [arms_line(sides, UP), arms_line(sides, DOWN)]
    if world.random.random() < 0.4:
        steps = [Step(f"{verb} {NAMES[sides]}", [line]) for verb, line in zip(("raise", "lower"), lines, strict=True)]
        return Task(steps, slots, must=[up, down], event=up, variant="once", tags=["arms", "sequence"])
    number, more = often(world, 5)
    step = Step(f"raise and lower {NAMES[sides]} {number} times", loop(number, lines))
    called: Predicate = {"calls": {"method": "ALMotion.angleInterpolationWithSpeed", "times": [2 * number, None]}}
    return Task([step], slots | more, must=[up, down, called], event=up, tags=["arms", "repetition"])


@skill("arms", weight=1.0)
def one_after_the_other(world: World) -> Task | None:
    """Raise one arm, then the other."""
    if not upright(world):
        return None
    order = world.random.choice(["LR", "RL"])
    steps = [Step(f"raise {NAMES[side]}", [arms_line(side, UP)]) for side in order]
    must = [raised(side, 50, None) for side in order]
    words = {"L": world.say("left", "左"), "R": world.say("right", "右")}
    slots = {"s1": words[order[0]], "s2": words[order[1]]}
    return Task(steps, slots, must=must, event=must[0], tags=["arms", "sequence"])


@skill("arms", weight=1.3)
def arm_by_degrees(world: World) -> Task | None:
    """Raise an arm by an angle from where it hangs, or above the horizontal."""
    if not upright(world):
        return None
    sides, slots = _draw(world, (4, 4, 3, 1))
    number = world.random.choice(_ANGLES)
    above = number <= 75 and world.random.random() < 0.4
    code = degrees(number, -1) if above else f"(90 - {number}) * 3.1416 / 180"
    elevation = number if above else number - 90
    step = Step(
        f"raise {NAMES[sides]} {number} degrees", [joints({f"{side}ShoulderPitch": code for side in sides or "R"})]
    )
    shown = raised(sides, elevation - 12, elevation + 12)
    slots["angle"] = angle_words(world, number)
    variant = "above" if above else ""
    event = shown if elevation > _HANGING_DEG else None
    return Task([step], slots, must=[shown], event=event, variant=variant, tags=["arms", "degrees"])


@skill("arms", weight=1.3)
def bend_elbow(world: World) -> Task | None:
    """Bend one elbow or both, fully or by an angle."""
    if not upright(world):
        return None
    sides = world.random.choices(list(_WORDS), [3, 3, 2, 1])[0]
    number = world.random.choice([None, None, 20, 30, 40, 45, 50, 60, 70, 75, 80])
    angles: dict[str, float | str] = {}
    must: list[Predicate] = []
    for side in sides or "R":
        sign = -1 if side == "L" else 1
        angles[f"{side}ElbowRoll"] = 1.4 * sign if number is None else degrees(number, sign)
        seen = 80 if number is None else number
        low, high = sorted((sign * (seen - 6), sign * (seen + 6)))
        must.append({"joint": {"name": f"{side}ElbowRoll", "degrees": [low, high]}})
    words = {
        "L": (("your left elbow", "the left elbow", "your left arm"), ("左肘", "左胳膊肘", "左臂", "左胳膊")),
        "R": (("your right elbow", "the right elbow", "your right arm"), ("右肘", "右胳膊肘", "右臂", "右胳膊")),
        "LR": (("both elbows", "your elbows", "both arms"), ("双肘", "两个胳膊肘", "双臂")),
        "": (("your elbow", "one elbow", "your arm"), ("胳膊肘", "肘部", "胳膊")),
    }[sides]
    slots = {"elbow": world.one_of(*words)}
    goal = "bend " + NAMES[sides]
    if number is not None:
        slots["angle"] = angle_words(world, number)
        goal += f" {number} degrees"
    variant = "degrees" if number else ""
    # As far as they are bent at first anyway, nothing shows when they are bent.
    plain = number is None or (number > _BENT_DEG and world.posture == "Standing")
    event = must[0] if plain else None
    return Task([Step(goal, [joints(angles)])], slots, must=must, event=event, variant=variant, tags=["arms"])


@skill("arms", weight=1.0)
def point_way(world: World) -> Task | None:
    """Point up, ahead, left or right."""
    if not upright(world):
        return None
    way = world.random.choice(["up", "ahead", "left", "right"])
    side = "L" if way == "left" else "R"
    pose = {"up": UP, "ahead": AHEAD}.get(way, ASIDE)
    en, zh = {
        "up": (("up", "at the ceiling", "up at the sky", "to the sky", "upwards"), ("上", "天花板", "天空", "上面")),
        "ahead": (("ahead", "straight ahead", "forward", "to the front"), ("前", "前面", "正前方", "前方")),
        "left": (("left", "to the left", "to your left"), ("左", "左边", "左侧")),
        "right": (("right", "to the right", "to your right"), ("右", "右边", "右侧")),
    }[way]
    shown: Predicate = raised("", 50, None) if way == "up" else raised("", -15, 15)
    if way in ("left", "right"):
        angles = [60, 90] if way == "left" else [-90, -60]
        shown = {"joint": {"name": f"{side}ShoulderRoll", "degrees": angles}}
    step = Step(f"point {way}", [arms_line(side, pose)])
    return Task([step], {"way": world.one_of(en, zh[1:])}, must=[shown], event=shown, tags=["arms"])


@skill("arms", weight=0.8)
def muscles(world: World) -> Task | None:
    """Show the muscles: arms out, elbows bent up."""
    if not upright(world):
        return None
    lines = [chain("LArm", [0.0, 1.2, -1.5, -1.5, 0.0, 0.0]), chain("RArm", [0.0, -1.2, 1.5, 1.5, 0.0, 0.0])]
    shown: Predicate = {"joint": {"name": "LElbowRoll", "degrees": [-90, -60]}}
    other: Predicate = {"joint": {"name": "RElbowRoll", "degrees": [60, 90]}}
    return Task([Step("show muscles", lines)], must=[shown, other], event=shown, tags=["arms"])


@skill("arms", weight=0.7)
def cross_arms(world: World) -> Task | None:
    """Cross the arms before the chest."""
    if not upright(world):
        return None
    lines = [chain("LArm", [0.8, -0.2, -0.3, -1.5, 0.0, 0.0]), chain("RArm", [0.9, 0.2, 0.3, 1.5, 0.0, 0.0])]
    shown: Predicate = {"joint": {"name": "LElbowRoll", "degrees": [-90, -60]}}
    other: Predicate = {"joint": {"name": "RElbowRoll", "degrees": [60, 90]}}
    return Task([Step("cross the arms", lines)], must=[shown, other], event=shown, tags=["arms"])
