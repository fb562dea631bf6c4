"""Sentences that mean an action without naming it: hints ("it's dark in here") and figures of speech ("give me five").

The phrase books ``hints`` and ``figures`` hold them, with the acts that they mean and what is spoken.
"""

from __future__ import annotations

from services.training.dataset.phrases import books, patterns, variants
from services.training.dataset.task import STILL, Predicate, Step, Task, World, skill

#: Goal, code, and what it shows. {family} is Stand or Sit, {spoken} what the phrase book has it say.
Act = tuple[str, list[str], Predicate]


def _animation(goal: str, name: str, gesture: str) -> Act:
    return goal, [f'ALAnimationPlayer.run("animations/{{family}}/{name}")'], {"gesture": gesture}


_ACTS: dict[str, Act] = {
    "say": ("say it", ['ALTextToSpeech.say("{spoken}")'], {"says": {"all": ["{spoken}"]}}),
    "wave": _animation("wave", "Gestures/Hey_1", "wave"),
    "nod": _animation("nod", "Gestures/Yes_1", "nod"),
    "shake": _animation("shake the head", "Gestures/No_1", "shake_head"),
    "bow": _animation("bow", "Gestures/BowShort_1", "bow"),
    "applaud": _animation("applaud", "Gestures/Applause_1", "applaud"),
    "happy": _animation("be happy", "Emotions/Positive/Happy_1", "happy"),
    "calm": _animation("calm down", "Gestures/CalmDown_1", "calm"),
    "excited": _animation("be excited", "Gestures/Enthusiastic_1", "excited"),
    "shrug": _animation("shrug", "Gestures/IDontKnow_1", "shrug"),
    "give": _animation("give", "Gestures/Give_1", "give"),
    "me": _animation("point to itself", "Gestures/Me_1", "point_self"),
    "louder": ("speak louder", ["ALTextToSpeech.setVolume(1.0)"], {"voice": {"volume": [0.9, 1.0]}}),
    "softer": ("speak softly", ["ALTextToSpeech.setVolume(0.3)"], {"voice": {"volume": [0.0, 0.4]}}),
    "slower": ("speak slower", ['ALTextToSpeech.setParameter("speed", 70)'], {"voice": {"speed": [50, 85]}}),
    "faster": ("speak faster", ['ALTextToSpeech.setParameter("speed", 140)'], {"voice": {"speed": [115, 400]}}),
    "white": (
        "light the eyes white",
        ['ALLeds.fadeRGB("FaceLeds", "white", 0.5)'],
        {"lights": {"group": "eyes", "colour": "white"}},
    ),
    "dark": ("switch the lights off", ['ALLeds.off("AllLeds")'], {"lights": {"group": "any", "colour": "off"}}),
    "red": (
        "light the eyes red",
        ['ALLeds.fadeRGB("FaceLeds", "red", 0.5)'],
        {"lights": {"group": "eyes", "colour": "red"}},
    ),
    "arms_up": (
        "raise both arms",
        ['ALMotion.angleInterpolationWithSpeed(["LShoulderPitch", "RShoulderPitch"], [-1.3, -1.3], 0.2)'],
        {"arm": {"side": "both", "raised": [50, None]}},
    ),
    "look_left": (
        "look left",
        ['ALMotion.angleInterpolationWithSpeed("HeadYaw", 0.8, 0.2)'],
        {"looks": {"yaw": [25, 119]}},
    ),
    "punch": (
        "punch the air",
        [
            'ALMotion.closeHand("RHand")',
            'ALMotion.angleInterpolationWithSpeed("RShoulderPitch", -1.2, 0.4)',
            'ALMotion.angleInterpolationWithSpeed("RShoulderPitch", 1.4, 0.3)',
        ],
        {"arm": {"side": "right", "raised": [40, None]}},
    ),
    "five": (
        "hold up the right hand",
        ['ALMotion.openHand("RHand")', 'ALMotion.angleInterpolationWithSpeed("RShoulderPitch", -0.8, 0.3)'],
        {"arm": {"side": "right", "raised": [30, None]}},
    ),
    "shake_hand": (
        "hold out the right hand",
        ['ALMotion.openHand("RHand")', 'ALMotion.angleInterpolationWithSpeed("RShoulderPitch", 0.3, 0.3)'],
        {"hand": {"side": "right", "state": "open"}},
    ),
    "sit": ("sit down", ['ALRobotPosture.goToPosture("Sit", 0.5)'], {"posture": "Sitting"}),
    "stand": ("stand up", ['ALRobotPosture.goToPosture("Stand", 0.5)'], {"posture": "Standing"}),
    "rest": ("rest", ["ALMotion.rest()"], {"motors": "off"}),
    "aside": ("step aside", ["ALMotion.moveTo(0.0, 0.3, 0.0)"], {"walks": {"distance": [0.2, 0.4]}}),
    "back": (
        "step back",
        ["ALMotion.moveTo(-0.3, 0.0, 0.0)"],
        {"walks": {"distance": [0.2, 0.4], "bearing": [165, 195]}},
    ),
    "closer": (
        "come closer",
        ["ALMotion.moveTo(0.3, 0.0, 0.0)"],
        {"walks": {"distance": [0.2, 0.4], "bearing": [-15, 15]}},
    ),
    "around": ("turn around", ["ALMotion.moveTo(0.0, 0.0, 3.1416)"], {"turns": {"degrees": [165, 195]}}),
}
_LEAVES = {"sit": "Sitting", "stand": "Standing", "rest": "Crouching"}
_WALKS = ("aside", "back", "closer", "around")


@skill("hints", weight=0.0, share=0.08)
def hint(world: World) -> Task | None:
    """Do what somebody means by what they say."""
    return _make(world, "hint")


@skill("hints", weight=0.5, share=0.045)
def figure(world: World) -> Task | None:
    """Do what a figure of speech means; none of them is to be refused."""
    return _make(world, "figure")


def _make(world: World, book: str) -> Task | None:
    kind = world.random.choice([one for one in variants(book) if patterns(book, one, world.language, "whole")])
    spoken = [pattern.text for pattern in patterns(book, kind, world.language, "spoken")]
    words = world.random.choice(spoken) if spoken else ""
    acts = books()[f"{book}.{kind}.does"][0].text.split()
    if world.posture == "Crouching" and acts != ["say"] and acts != ["stand"]:
        return None
    if world.posture == "Sitting" and acts == ["sit"]:
        return None
    posture, steps, shown = world.posture, [], []
    for act in acts:
        if act in _WALKS and posture != "Standing":
            steps.append(_step("stand", posture, words))
            posture = "Standing"
        steps.append(_step(act, posture, words))
        shown.append(_filled(_ACTS[act][2], words))
        posture = _LEAVES.get(act, posture)
    walks = any(act in _WALKS for act in acts)
    return Task(
        steps,
        must=[] if walks else shown,
        at_end=shown if walks else [],
        moved=None if walks else STILL,
        leaves=posture if posture != world.posture else "",
        variant=kind,
        tags=[book, kind],
    )


def _step(act: str, posture: str, words: str) -> Step:
    goal, lines, _ = _ACTS[act]
    family = "Sit" if posture == "Sitting" else "Stand"
    filled = [line.replace("{family}", family).replace("{spoken}", words) for line in lines]
    return Step(goal, filled, avoid="obstacles" if act in _WALKS else "")


def _filled(shown: Predicate, words: str) -> Predicate:
    return {"says": {"all": [words]}} if "says" in shown else shown
