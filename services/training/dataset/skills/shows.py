"""Shows: dances, exercises, greeting an audience, and breathing."""

from __future__ import annotations

from services.training.dataset.skills.arms import ASIDE, arms_line
from services.training.dataset.skills.body import chain, joints, loop, often, upright
from services.training.dataset.task import Predicate, Step, Task, World, skill

_STAND = 'ALRobotPosture.goToPosture("Stand", 0.5)'
_CHEER = 'ALAnimationPlayer.run("animations/Stand/Gestures/Enthusiastic_1")'
_BOW = 'ALAnimationPlayer.run("animations/Stand/Gestures/BowShort_1")'
_WAVE = 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")'
_LEFT_UP, _RIGHT_UP = joints({"LShoulderPitch": -1.0}, 0.3), joints({"RShoulderPitch": -1.0}, 0.3)
_HEAD = ["for yaw in [0.5, -0.5, 0.0]:", f"    {joints({'HeadYaw': 'yaw'}, 0.3)}"]
_SWAY = ["ALMotion.moveTo(0.0, 0.0, 0.6)", "ALMotion.moveTo(0.0, 0.0, -0.6)"]
_CROUCH = 'ALRobotPosture.goToPosture("Crouch", 0.5)'
#: The lines of a dance by how it is asked for, of eight calls at most; ``plain`` is danced when nobody says how.
DANCES = {
    "plain": [_LEFT_UP, _RIGHT_UP, *_HEAD, *_SWAY, _CHEER],
    "slow": [
        arms_line("LR", ASIDE, 0.1),
        chain("Head", [0.4, 0.2], 0.1),
        chain("Head", [-0.4, 0.2], 0.1),
        "ALMotion.moveTo(0.0, 0.0, 0.6)",
        "ALMotion.moveTo(0.0, 0.0, -0.6)",
        _BOW,
    ],
    "disco": ["ALLeds.randomEyes(2.0)", _RIGHT_UP, *_HEAD, *_SWAY, _CHEER],
    "robot": [
        joints({"LElbowRoll": -1.5, "RElbowRoll": 1.5}, 0.3),
        *_HEAD,
        _LEFT_UP,
        _RIGHT_UP,
        _STAND,
    ],
    "wild": [
        *loop(2, [_LEFT_UP, _RIGHT_UP, _CHEER]),
        _CROUCH,
        _STAND,
    ],
}
_SITTING = [_LEFT_UP, _RIGHT_UP, *_HEAD, _CHEER.replace("Stand/", "Sit/"), 'ALRobotPosture.goToPosture("Sit", 0.5)']


@skill("shows", weight=4.0, needs="Standing")
def dance(world: World) -> Task:
    """Dance: at least four different motions."""
    style = world.random.choices(list(DANCES), [6, 1.2, 1.2, 1.2, 1.2])[0]
    shown: Predicate = {"gesture": "dance"}
    goal = "dance" if style == "plain" else f"{style} dance"
    return Task(
        [Step(goal, DANCES[style])],
        must=[shown],
        event={"moves": "any"},
        variant="" if style == "plain" else style,
        tags=["dance"],
    )


@skill("shows", weight=0.5)
def dance_sitting(world: World) -> Task | None:
    """Dance on the seat."""
    if world.posture != "Sitting":
        return None
    return Task([Step("dance sitting", _SITTING)], must=[{"gesture": "dance"}], event={"moves": "any"}, tags=["dance"])


@skill("shows", weight=1.0, needs="Standing")
def squats(world: World) -> Task:
    """Some squats."""
    number, slots = often(world, 6)
    called: Predicate = {"calls": {"method": "ALRobotPosture.goToPosture", "times": [2 * number, None]}}
    shown: Predicate = {"posture": "Crouching"}
    return Task(
        [Step(f"do {number} squats", loop(number, [_CROUCH, _STAND]))],
        slots,
        must=[shown, called],
        event=shown,
        tags=["exercise", "repetition"],
    )


def _both_arms(pitch: float) -> str:
    """Shorter than ``arms_line``: a program has to fit into 256 tokens."""
    return joints({"LShoulderPitch": pitch, "RShoulderPitch": pitch})


@skill("shows", weight=1.2, needs="Standing")
def exercise(world: World) -> Task:
    """Morning exercises: arms, squats, head."""
    steps = [
        Step("raise and lower both arms", loop(2, [_both_arms(-1.3), _both_arms(1.4)])),
        Step("squat", [_CROUCH, _STAND]),
        Step("look left and right", ["for yaw in [0.8, -0.8, 0.0]:", f"    {joints({'HeadYaw': 'yaw'})}"]),
    ]
    arms: Predicate = {"arm": {"side": "both", "raised": [50, None]}}
    must = [arms, {"posture": "Crouching"}, {"moves": "head"}]
    return Task(steps, must=must, event=arms, tags=["exercise"])


@skill("shows", weight=1.3, needs="Standing")
def greet_audience(world: World) -> Task:
    """Greet an audience: wave, bow and words."""
    en, zh, *welcome = world.random.choice(
        [
            ("audience", "观众", "Hello everyone, nice to see you all!", "大家好，很高兴见到你们！"),
            ("class", "同学们", "Hello class, nice to see you!", "同学们好，很高兴见到你们！"),
            ("guests", "客人们", "Hello, dear guests, and welcome!", "各位客人好，欢迎光临！"),
            ("visitors", "参观者", "Hello, dear visitors, and welcome!", "各位参观者好，欢迎光临！"),
            ("children", "小朋友们", "Hello children, nice to see you!", "小朋友们好，很高兴见到你们！"),
            ("team", "团队", "Hello team, nice to see you!", "团队的朋友们好，很高兴见到你们！"),
        ]
    )
    steps = [
        Step("wave", [_WAVE], target=en),
        Step("bow", [_BOW]),
        Step("greet", [f'ALTextToSpeech.say("{world.say(*welcome)}")']),
    ]
    said: Predicate = {"says": {"any": [world.say("hello", "好")]}}
    shown: Predicate = {"gesture": "wave"}
    must = [shown, {"gesture": "bow"}, said]
    return Task(steps, {"audience": world.say(en, zh)}, must=must, event=shown, tags=["speech", "gesture"])


@skill("shows", weight=1.0, needs="Standing")
def take_bows(world: World) -> Task:
    """End a show: thanks, a bow and a wave."""
    thanks = world.say("Thank you very much!", "非常感谢大家！")
    steps = [
        Step("thank the audience", [f'ALTextToSpeech.say("{thanks}")']),
        Step("bow", [_BOW]),
        Step("wave", [_WAVE]),
    ]
    shown: Predicate = {"gesture": "bow"}
    said: Predicate = {"says": {"any": [world.say("thank", "感谢")]}}
    return Task(steps, must=[shown, {"gesture": "wave"}, said], event=said, tags=["speech", "gesture"])


@skill("shows", weight=0.9)
def breathe(world: World) -> Task | None:
    """Switch the breathing animation on or off."""
    if not upright(world):
        return None
    on = world.random.random() < 0.55
    step = Step(f"breathing {'on' if on else 'off'}", [f'ALMotion.setBreathEnabled("Body", {on})'])
    shown: Predicate = {"calls": {"method": "ALMotion.setBreathEnabled", "times": [1, 1]}}
    return Task([step], must=[shown], event=None, variant="on" if on else "off", tags=["breathing"])
