"""Arms and hands in sequences and in two positions at once, exercises that are counted, stretching, Simon says."""

from __future__ import annotations

from services.training.dataset.borrow import borrow
from services.training.dataset.sayings import line, said
from services.training.dataset.skills.arms import AHEAD, ASIDE, DOWN, UP, arms_line, raised
from services.training.dataset.skills.body import joints, upright
from services.training.dataset.task import Predicate, Skill, Step, Task, World, skill

_SIDE = {"L": ("left", "左"), "R": ("right", "右")}
#: Positions of an arm: goal, pose, elevation, words after the arm in English and Chinese.
_POSITIONS: dict[str, tuple[tuple[float, ...], tuple[float | None, float | None], tuple[str, ...], tuple[str, ...]]] = {
    "up": (UP, (50, None), ("up", "straight up", "up in the air", "above your head"), ("举高", "向上举", "举过头顶")),
    "ahead": (
        AHEAD,
        (-15, 15),
        ("ahead", "to the front", "straight out in front", "forward"),
        ("向前伸", "往前伸直", "前平举"),
    ),
    "aside": (ASIDE, (-15, 15), ("out to the side", "sideways", "to the side"), ("向侧面伸", "侧平举", "往旁边伸")),
    "down": (DOWN, (None, -50), ("down", "at your side", "hanging down"), ("放下", "垂下来", "放在身边")),
}


@skill("arms", weight=2.0)
def arm_and_hand(world: World) -> Task | None:
    """Raise or stretch an arm, open or close its hand, then lower it or close the hand again."""
    if not upright(world):
        return None
    rng = world.random
    side = rng.choice(["L", "R"])
    left, chinese = _SIDE[side]
    where = rng.choice(["up", "ahead", "aside"])
    pose, (low, high), _, _ = _POSITIONS[where]
    first = rng.choice(["open", "open", "close"])
    last = rng.choice(["lower", "lower", "close" if first == "open" else "open"])
    reach = {
        "up": ((f"raise your {left} arm", f"lift your {left} arm", f"put your {left} arm up"),
               (f"举起{chinese}手", f"抬起{chinese}臂", f"把{chinese}胳膊举起来")),
        "ahead": ((f"stretch your {left} arm forward", f"hold your {left} arm out in front"),
                  (f"把{chinese}手向前伸", f"向前伸出{chinese}臂")),
        "aside": ((f"stretch your {left} arm out to the side", f"hold your {left} arm sideways"),
                  (f"把{chinese}臂侧平举", f"{chinese}手往旁边伸")),
    }[where]  # fmt: skip
    do = {
        "open": (("open that hand", "open the hand", "spread its fingers"), ("张开这只手", "把手张开", "手掌打开")),
        "close": (("close that hand", "make a fist with it", "close the hand"), ("握拳", "把手握紧", "合上手")),
        "lower": (("lower it", "lower the arm", "put the arm down"), ("放下来", "把胳膊放下", "手臂放下")),
    }
    goals = {"open": "open hand", "close": "close hand", "lower": f"lower {left} arm"}
    code = {
        "open": f'ALMotion.openHand("{side}Hand")',
        "close": f'ALMotion.closeHand("{side}Hand")',
        "lower": arms_line(side, DOWN),
    }
    shown: dict[str, Predicate] = {
        "open": {"hand": {"side": left, "state": "open"}},
        "close": {"hand": {"side": left, "state": "closed"}},
        "lower": raised(side, None, -50),
    }
    steps = [
        Step(f"{left} arm {where}", [arms_line(side, pose)]),
        Step(goals[first], [code[first]]),
        Step(goals[last], [code[last]]),
    ]
    again = world.say(" again", "") if last != "lower" and rng.random() < 0.5 else ""
    slots = {"a1": world.one_of(*reach), "a2": world.one_of(*do[first]), "a3": world.one_of(*do[last]) + again}
    reached = raised(side, low, high)
    return Task(
        steps, slots, must=[reached, shown[first], shown[last]], event=reached, tags=["arms", "hands", "sequence"]
    )


@skill("arms", weight=2.0)
def arms_apart(world: World) -> Task | None:
    """The two arms in two positions at once."""
    if not upright(world):
        return None
    order = world.random.choice(["LR", "RL"])
    slots: dict[str, str] = {}
    lines, must, goals = [], [], []
    for number, (side, where) in enumerate(zip(order, world.random.sample(list(_POSITIONS), 2), strict=True), start=1):
        pose, (low, high), en, zh = _POSITIONS[where]
        slots |= {f"s{number}": world.say(*_SIDE[side]), f"p{number}": world.one_of(en, zh)}
        goals.append(f"{_SIDE[side][0]} arm {where}")
        lines.append(arms_line(side, pose))
        must.append(raised(side, low, high))
    first = next(one for one in must if one["arm"]["raised"] != [None, -50])
    return Task([Step(", ".join(goals), lines)], slots, must=must, event=first, tags=["arms"])


_NUMBERS = (("One!", "一！"), ("Two!", "二！"), ("Three!", "三！"))
_CROUCH, _STAND = (f'ALRobotPosture.goToPosture("{name}", 0.5)' for name in ("Crouch", "Stand"))
#: Exercises: there and back, what shows it, and how people call one and several of them.
_EXERCISES: dict[str, tuple[list[str], Predicate, tuple[str, ...], tuple[str, ...]]] = {
    "arm raise": (
        [joints({f"{side}ShoulderPitch": pitch for side in "LR"}) for pitch in (-1.3, 1.4)],
        {"arm": {"side": "both", "raised": [50, None]}},
        ("arm raises", "arm lifts", "times arms up and down"),
        ("次双手上举", "个举手动作", "次举手"),
    ),
    "squat": ([_CROUCH, _STAND], {"posture": "Crouching"}, ("squats", "knee bends"), ("个深蹲", "次下蹲", "个蹲起")),
    "arm stretch": (
        [arms_line("LR", ASIDE), arms_line("LR", DOWN)],
        {"joint": {"name": "LShoulderRoll", "degrees": [60, 90]}},
        ("side arm raises", "lateral raises", "times arms out and down"),
        ("次侧平举", "个扩展运动"),
    ),
    "head turn": (
        [joints({"HeadYaw": 0.8}), joints({"HeadYaw": -0.8})],
        {"looks": {"yaw": [25, 119]}},
        ("head turns", "head turns left and right", "neck turns"),
        ("次左右转头", "个转头动作"),
    ),
}  # fmt: skip


@skill("arms", weight=1.8, needs="Standing")
def exercise_counted(world: World) -> Task:
    """An exercise two or three times, counted aloud."""
    rng = world.random
    kind = rng.choice(list(_EXERCISES))
    code, shown, en, zh = _EXERCISES[kind]
    number = rng.choice([2, 2, 3])
    steps: list[Step] = []
    must: list[Predicate] = [{"times": {"of": shown, "count": [number, number]}}]
    for done in range(number):
        text = world.say(*_NUMBERS[done])
        steps.append(Step(f"{kind} {done + 1}", [*code, line(text)]))
        must.append(said(text))
    digits = rng.random() < 0.5
    words = {2: ("two", "两"), 3: ("three", "三")}[number]
    slots = {"n": str(number) if digits else world.say(*words), "exercises": world.one_of(en, zh)}
    return Task(steps, slots, must=must, event=shown, tags=["exercise", "repetition", "speech"])


#: Guided movements: instruction with its lines, one after the other, and what shows the first.
_GUIDED: dict[str, tuple[list[tuple[str, str, str]], list[Predicate]]] = {
    "stretch": (
        [
            ("Reach for the sky.", "双手举高。", arms_line("LR", UP)),
            ("And relax.", "放松。", arms_line("LR", DOWN)),
        ],
        [raised("LR", 50, None), raised("LR", None, -50)],
    ),
    "neck": (
        [
            ("Look to the left.", "头向左转。", joints({"HeadYaw": 0.8})),
            ("Look to the right.", "头向右转。", joints({"HeadYaw": -0.8})),
            ("Back to the middle.", "回到中间。", joints({"HeadYaw": 0.0})),
        ],
        [{"looks": {"yaw": [25, 119]}}, {"looks": {"yaw": [-119, -25]}}],
    ),
    "warrior": (
        [
            ("Stretch out your arms.", "双臂打开。", arms_line("LR", ASIDE)),
            ("Look over your left hand.", "看向左手。", joints({"HeadYaw": 1.0})),
            ("And breathe.", "深呼吸。", "time.sleep(3.0)"),
        ],
        [{"joint": {"name": "LShoulderRoll", "degrees": [60, 90]}}, {"looks": {"yaw": [25, 119]}}],
    ),
    "breathing": (
        [
            ("Breathe in.", "吸气。", arms_line("LR", UP, 0.1)),
            ("Breathe out.", "呼气。", arms_line("LR", DOWN, 0.1)),
        ],
        [raised("LR", 50, None), raised("LR", None, -50)],
    ),
    "shoulders": (
        [
            ("Arms to the front.", "双手前平举。", arms_line("LR", AHEAD)),
            ("Arms to the side.", "双手侧平举。", arms_line("LR", ASIDE)),
            ("And down.", "放下。", arms_line("LR", DOWN)),
        ],
        [raised("LR", -15, 15), {"joint": {"name": "LShoulderRoll", "degrees": [60, 90]}}],
    ),
}


@skill("arms", weight=1.6, needs="Standing")
def guide_exercise(world: World) -> Task:
    """Lead people through a stretch: say what to do, and do it."""
    kind = world.random.choice(list(_GUIDED))
    parts, shown = _GUIDED[kind]
    texts = [world.say(en, zh) for en, zh, _ in parts]
    steps = [Step(en.rstrip(".").lower(), [line(text), code]) for text, (en, _, code) in zip(texts, parts, strict=True)]
    must = [*shown, *map(said, texts)]
    return Task(steps, must=must, event=said(texts[0]), variant=kind, tags=["exercise", "speech"])


@skill("arms", weight=0.0, share=0.007, joins=False)
def simon_says(world: World) -> Task | None:
    """Do what Simon says; what he does not say is left, with a word about it."""
    other = borrow(world, _plain)
    if other is None:
        return None
    if world.random.random() < 0.6:
        return Task(
            other.task.steps,
            {"then": other.text},
            must=other.task.must,
            at_end=other.task.at_end,
            must_not=other.task.must_not,
            moved=other.task.moved,
            leaves=other.task.leaves,
            said=[other.pattern],
            tags=["game"],
        )
    text = world.say("Simon didn't say so!", "西蒙没有说！")
    return Task(
        [Step("say that Simon did not say so", [line(text)])],
        {"then": other.text},
        must=[said(text)],
        must_not=[{"moves": "any"}],
        outcome="words",
        variant="not",
        said=[other.pattern],
        tags=["game", "words"],
    )


def _plain(one: Skill, task: Task) -> bool:
    """What children do in the game: something with the body, said in a few words."""
    return one.theme in ("arms", "hands", "head", "gestures", "postures") and len(task.steps) == 1 and not task.last
