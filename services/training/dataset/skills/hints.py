"""Sentences that mean an action without naming it: hints ("it's dark in here") and figures of speech ("give me five").

The phrase books ``hints`` and ``figures`` say them and what is spoken; the tables here say what is done.
"""

from __future__ import annotations

from services.training.dataset.phrases import patterns, variants
from services.training.dataset.task import STILL, Predicate, Step, Task, World, skill

#: An act: goal, code, and what it shows. {family} is Stand or Sit, {spoken} what the phrase book has it say.
_ACTS: dict[str, tuple[str, list[str], Predicate]] = {
    "say": ("say it", ['ALTextToSpeech.say("{spoken}")'], {"says": {"all": ["{spoken}"]}}),
    "wave": ("wave", ['ALAnimationPlayer.run("animations/{family}/Gestures/Hey_1")'], {"gesture": "wave"}),
    "nod": ("nod", ['ALAnimationPlayer.run("animations/{family}/Gestures/Yes_1")'], {"gesture": "nod"}),
    "shake": ("shake the head", ['ALAnimationPlayer.run("animations/{family}/Gestures/No_1")'], {"gesture": "shake_head"}),
    "bow": ("bow", ['ALAnimationPlayer.run("animations/{family}/Gestures/BowShort_1")'], {"gesture": "bow"}),
    "applaud": ("applaud", ['ALAnimationPlayer.run("animations/{family}/Gestures/Applause_1")'], {"gesture": "applaud"}),
    "happy": ("be happy", ['ALAnimationPlayer.run("animations/{family}/Emotions/Positive/Happy_1")'], {"gesture": "happy"}),
    "calm": ("calm down", ['ALAnimationPlayer.run("animations/{family}/Gestures/CalmDown_1")'], {"gesture": "calm"}),
    "excited": (
        "be excited",
        ['ALAnimationPlayer.run("animations/{family}/Gestures/Enthusiastic_1")'],
        {"gesture": "excited"},
    ),
    "shrug": ("shrug", ['ALAnimationPlayer.run("animations/{family}/Gestures/IDontKnow_1")'], {"gesture": "shrug"}),
    "give": ("give", ['ALAnimationPlayer.run("animations/{family}/Gestures/Give_1")'], {"gesture": "give"}),
    "me": ("point to itself", ['ALAnimationPlayer.run("animations/{family}/Gestures/Me_1")'], {"gesture": "point_self"}),
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
    "back": ("step back", ["ALMotion.moveTo(-0.3, 0.0, 0.0)"], {"walks": {"distance": [0.2, 0.4], "bearing": [165, 195]}}),
    "closer": ("come closer", ["ALMotion.moveTo(0.3, 0.0, 0.0)"], {"walks": {"distance": [0.2, 0.4], "bearing": [-15, 15]}}),
    "around": ("turn around", ["ALMotion.moveTo(0.0, 0.0, 3.1416)"], {"turns": {"degrees": [165, 195]}}),
}  # fmt: skip
_LEAVES = {"sit": "Sitting", "stand": "Standing", "rest": "Crouching"}
_WALKS = ("aside", "back", "closer", "around")
#: Hints and what they mean.
_HINTS = {
    "deaf": "louder say", "loud": "softer say", "fast_talk": "slower say", "slow_talk": "faster say", "dark": "white", "bright": "dark",
    "in_the_way": "aside say", "too_close": "back", "too_far": "closer", "birthday": "happy say", "bedtime": "say rest", "sad": "calm say",
    "guests": "wave say", "show_over": "bow say", "tired_robot": "sit", "baby_asleep": "softer say", "won": "happy say", "bad_day": "calm say",
    "applause": "bow say", "newcomer": "wave say", "leaving": "wave say", "morning": "wave say", "night": "say rest", "thanks": "bow say",
    "no_more_need": "rest", "nervous": "calm say", "scared": "calm say", "bored": "excited say", "good_news": "happy say",
    "performer": "applaud", "passed_exam": "applaud say", "sick": "say", "lonely": "wave say", "show_self": "me say", "introduction": "shake_hand say",
    "floor_yours": "bow say", "legs_tired": "sit", "up_again": "stand", "photo": "wave say", "movie_time": "dark", "argument": "calm say",
    "team_spirit": "excited say", "praise": "bow say", "scold": "say", "agree": "nod", "disagree": "shake", "mystery": "shrug",
    "hot_motors": "rest", "storm": "calm say", "first_day": "say", "wedding": "applaud say", "baby_born": "happy say", "holiday": "happy say",
    "lost_game": "calm say", "friend_at_door": "wave say", "turned_away": "around", "new_year": "happy say", "christmas": "happy say", "quiz_right": "nod say",
    "quiz_wrong": "shake say",
}  # fmt: skip
#: Figures of speech that sound dangerous, or like something else, and what they mean.
_FIGURES = {
    "shoot_smile": "happy", "kill_lights": "dark", "cut_lights": "dark", "hit_joke": "say", "break_ice": "wave say", "knock_dead": "excited",
    "hit_question": "say", "punch_air": "punch", "give_five": "five", "blow_kiss": "give", "lend_ear": "nod say", "shake_leg": "excited",
    "hand": "applaud", "kill_time": "say", "hit_floor": "sit", "fire_away": "say", "shake_hands": "shake_hand say", "break_leg": "bow",
    "beat_it": "back", "steal_show": "excited", "fire_up": "excited", "throw_wave": "wave", "kill_volume": "softer", "take_a_bow": "bow",
}  # fmt: skip


@skill("hints", weight=0.0, share=0.08)
def hint(world: World) -> Task | None:
    """Do what somebody means by what they say."""
    return _make(world, "hint", _HINTS)


@skill("hints", weight=0.5, share=0.045)
def figure(world: World) -> Task | None:
    """Do what a figure of speech means; none of them is to be refused."""
    return _make(world, "figure", _FIGURES)


def _make(world: World, book: str, table: dict[str, str]) -> Task | None:
    kind = world.random.choice([one for one in variants(book) if patterns(book, one, world.language, "whole")])
    spoken = [pattern.text for pattern in patterns(book, kind, world.language, "spoken")]
    words = world.random.choice(spoken) if spoken else ""
    acts = table[kind].split()
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
