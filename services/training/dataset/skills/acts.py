"""Pantomime: acting like somebody or something, and what people do with each other's hands."""

from __future__ import annotations

from dataclasses import dataclass

from services.behavior.scene import Pose
from services.training.dataset.skills.arms import AHEAD, ASIDE, DOWN, UP, arms_line
from services.training.dataset.skills.body import chain, joints, loop
from services.training.dataset.task import STILL, Predicate, Step, Task, World, skill


@dataclass(frozen=True)
class Act:
    """What is acted: names, lines, what is said with it, and what shows it."""

    en: tuple[str, ...]
    zh: tuple[str, ...]
    lines: list[str]
    says: tuple[str, str] | None = None
    shows: Predicate | None = None


_ARMS: Predicate = {"moves": "arms"}
_BOTH_OUT: Predicate = {"joint": {"name": "LShoulderRoll", "degrees": [55, 90]}}
_HALF = (0.7, 0.9)  # wings halfway down
_YAW = ["for yaw in [0.6, -0.6, 0.0]:", f"    {joints({'HeadYaw': 'yaw'})}"]
_PUNCH = [
    joints({"LShoulderPitch": 0.0}, 0.5),
    joints({"LShoulderPitch": 1.0}, 0.5),
    joints({"RShoulderPitch": 0.0}, 0.5),
    joints({"RShoulderPitch": 1.0}, 0.5),
]
_WINGS = loop(3, [arms_line("LR", ASIDE[:2], 0.4), arms_line("LR", _HALF, 0.4)])
ACTS = {
    "robot": Act(
        ("a robot", "an old robot", "a real robot"),
        ("机器人", "老式机器人"),
        [joints({"LElbowRoll": -1.5, "RElbowRoll": 1.5}, 0.3), *_YAW],
        ("Beep boop. I am a robot.", "哔哔，我是机器人。"),
        {"joint": {"name": "RElbowRoll", "degrees": [70, 90]}},
    ),
    "bird": Act(
        ("a bird", "an eagle", "a little bird", "a sparrow"),
        ("小鸟", "鸟", "老鹰"),
        _WINGS,
        ("Tweet, tweet!", "叽叽喳喳！"),
        _BOTH_OUT,
    ),
    "butterfly": Act(("a butterfly",), ("蝴蝶",), _WINGS, None, _BOTH_OUT),
    "elephant": Act(
        ("an elephant", "a baby elephant"),
        ("大象", "小象"),
        loop(2, [joints({"RShoulderPitch": 0.0}), joints({"RShoulderPitch": 0.9})]),
        ("Toot, toot!", "呜——呜——！"),
        _ARMS,
    ),
    "plane": Act(
        ("a plane", "an airplane", "an aeroplane"),
        ("飞机",),
        [arms_line("LR", ASIDE), "ALMotion.moveTo(0.0, 0.0, 0.6)", "ALMotion.moveTo(0.0, 0.0, -0.6)"],
        ("Vroom!", "呼——！"),
        _BOTH_OUT,
    ),
    "train": Act(
        ("a train", "a steam train"), ("火车",), loop(3, _PUNCH[:2]), ("Choo choo!", "呜呜，火车来了！"), _ARMS
    ),
    "zombie": Act(
        ("a zombie",),
        ("僵尸",),
        [arms_line("LR", AHEAD), "ALMotion.moveTo(0.2, 0.0, 0.0)"],
        ("Brains!", "呃——！"),
        {"arm": {"side": "both", "raised": [-15, 15]}},
    ),
    "superhero": Act(
        ("a superhero", "superman"),
        ("超人", "超级英雄"),
        [arms_line("R", UP), joints({"HeadPitch": -0.4})],
        ("Up, up and away!", "我来拯救世界！"),
        {"arm": {"side": "right", "raised": [50, None]}},
    ),
    "tree": Act(
        ("a tree", "a tree in the wind"),
        ("树", "大树"),
        [
            arms_line("LR", UP),
            *loop(
                2,
                [
                    joints({"LShoulderRoll": 0.6, "RShoulderRoll": -0.6}),
                    joints({"LShoulderRoll": 0.0, "RShoulderRoll": 0.0}),
                ],
            ),
        ],
        None,
        {"arm": {"side": "both", "raised": [50, None]}},
    ),
    "penguin": Act(
        ("a penguin",),
        ("企鹅",),
        [
            joints({"LShoulderRoll": 0.5, "RShoulderRoll": -0.5}),
            "ALMotion.moveTo(0.0, 0.0, 0.4)",
            "ALMotion.moveTo(0.0, 0.0, -0.4)",
        ],
        None,
        {"joint": {"name": "LShoulderRoll", "degrees": [20, 40]}},
    ),
    "clock": Act(
        ("a clock", "a cuckoo clock"),
        ("时钟", "钟表"),
        loop(2, [joints({"HeadYaw": 0.5}), joints({"HeadYaw": -0.5})]),
        ("Tick, tock, tick, tock!", "滴答，滴答！"),
        {"looks": {"yaw": [20, 60]}},
    ),
    "monkey": Act(
        ("a monkey", "a gorilla"),
        ("猴子", "大猩猩"),
        loop(2, [arms_line("L", UP), arms_line("L", DOWN), arms_line("R", UP), arms_line("R", DOWN)])[:5],
        ("Ooh ooh, aah aah!", "吱吱，吱吱！"),
        {"arm": {"side": "right", "raised": [50, None]}},
    ),
    "frog": Act(
        ("a frog",),
        ("青蛙",),
        loop(2, ['ALRobotPosture.goToPosture("Crouch", 0.8)', 'ALRobotPosture.goToPosture("Stand", 0.8)']),
        ("Ribbit, ribbit!", "呱呱呱！"),
        {"posture": "Crouching"},
    ),
    "boxer": Act(
        ("a boxer",),
        ("拳击手",),
        ['ALMotion.closeHand("LHand")', 'ALMotion.closeHand("RHand")', *_PUNCH],
        None,
        {"hand": {"side": "both", "state": "closed"}},
    ),
    "swimmer": Act(
        ("a swimmer",),
        ("游泳运动员",),
        loop(2, [arms_line("L", UP), arms_line("L", DOWN), arms_line("R", UP), arms_line("R", DOWN)])[:5],
        None,
        {"arm": {"side": "right", "raised": [50, None]}},
    ),
    "conductor": Act(
        ("a conductor", "an orchestra conductor"),
        ("指挥家", "乐队指挥"),
        loop(
            3,
            [
                joints({"LShoulderPitch": 0.0, "RShoulderPitch": 0.6}),
                joints({"LShoulderPitch": 0.6, "RShoulderPitch": 0.0}),
            ],
        ),
        None,
        _ARMS,
    ),
    "guitarist": Act(
        ("a guitarist", "a rock star"),
        ("吉他手", "摇滚歌手"),
        [
            chain("LArm", [0.5, 0.6, -1.0, -0.8, 0.0, 0.0]),
            *loop(3, [joints({"RElbowRoll": 1.4}, 0.4), joints({"RElbowRoll": 0.8}, 0.4)]),
        ],
        None,
        _ARMS,
    ),
    "drummer": Act(
        ("a drummer",),
        ("鼓手",),
        loop(
            3,
            [
                joints({"LShoulderPitch": 0.3, "RShoulderPitch": 0.9}, 0.5),
                joints({"LShoulderPitch": 0.9, "RShoulderPitch": 0.3}, 0.5),
            ],
        ),
        None,
        _ARMS,
    ),
}
_SPECIAL = ("bird", "plane", "boxer", "swimmer", "conductor", "guitarist", "drummer", "tree")


@skill("shows", weight=2.5, needs="Standing")
def act_like(world: World) -> Task:
    """Act like somebody or something."""
    name = world.random.choice(list(ACTS))
    act = ACTS[name]
    steps = [Step(f"act like {act.en[0]}", act.lines)]
    must: list[Predicate] = [] if act.shows is None else [act.shows]
    if act.says is not None:
        text = world.say(*act.says)
        steps.append(Step("make its sound", [f'ALTextToSpeech.say("{text}")']))
        must.append({"says": {}})
    special = name in _SPECIAL and world.random.random() < 0.4
    return Task(
        steps,
        {"who": world.one_of(act.en, act.zh)},
        must=must,
        event=act.shows,
        moved=Pose(0.2) if name == "zombie" else STILL,
        variant=name if special else "",
        tags=["pantomime"],
    )


@skill("shows", weight=1.0, needs="Standing")
def high_five(world: World) -> Task:
    """Hold up the open right hand for a high five."""
    shown: Predicate = {"arm": {"side": "right", "raised": [20, None]}}
    lines = [joints({"RShoulderPitch": -0.6}), 'ALMotion.openHand("RHand")']
    must = [shown, {"hand": {"side": "right", "state": "open"}}]
    return Task([Step("high five", lines)], must=must, event=shown, tags=["arms", "hands"])


@skill("shows", weight=1.0, needs="Standing")
def shake_hands(world: World) -> Task:
    """Hold out the right hand, close it and shake it."""
    lines = [
        joints({"RShoulderPitch": 0.3}),
        'ALMotion.openHand("RHand")',
        'ALMotion.closeHand("RHand")',
        *loop(2, [joints({"RShoulderPitch": 0.1}, 0.3), joints({"RShoulderPitch": 0.4}, 0.3)]),
    ]
    shown: Predicate = {"hand": {"side": "right", "state": "open"}}
    must = [shown, {"arm": {"side": "right", "raised": [-30, 20]}}]
    return Task([Step("shake hands", lines)], must=must, event=shown, tags=["arms", "hands"])


@skill("shows", weight=0.6, needs="Standing")
def fist_bump(world: World) -> Task:
    """Hold out the closed right hand."""
    lines = ['ALMotion.closeHand("RHand")', arms_line("R", AHEAD)]
    shown: Predicate = {"hand": {"side": "right", "state": "closed"}}
    must = [shown, {"arm": {"side": "right", "raised": [-15, 15]}}]
    return Task([Step("fist bump", lines)], must=must, event=shown, tags=["arms", "hands"])


@skill("shows", weight=0.8, needs="Standing")
def hug(world: World) -> Task:
    """Open the arms and close them as for a hug."""
    lines = [arms_line("LR", (0.2, 0.9)), arms_line("LR", (0.2, 0.0))]
    shown: Predicate = {"joint": {"name": "LShoulderRoll", "degrees": [45, 60]}}
    return Task([Step("hug", lines)], must=[shown], event=shown, tags=["arms"])
