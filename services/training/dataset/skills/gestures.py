"""Gestures: animations that mean something, once, several times, or towards somebody."""

from __future__ import annotations

from services.behavior.scene import Pose
from services.training.dataset.skills.body import (
    after_animation,
    animation,
    bearing,
    before_animation,
    can_animate,
    loop,
    often,
)
from services.training.dataset.task import Make, Predicate, Step, Task, World, skill

#: Gesture as expectations call it: its animation, its goal in a plan, and how often it is drawn.
GESTURES = {
    "wave": ("Gestures/Hey_1", "wave", 6.0),
    "nod": ("Gestures/Yes_1", "nod", 4.0),
    "shake_head": ("Gestures/No_1", "shake the head", 3.0),
    "bow": ("Gestures/BowShort_1", "bow", 4.0),
    "applaud": ("Gestures/Applause_1", "applaud", 1.2),
    "shrug": ("Gestures/IDontKnow_1", "shrug", 1.0),
    "think": ("Gestures/Thinking_1", "think", 0.8),
    "happy": ("Emotions/Positive/Happy_1", "look happy", 1.0),
    "sad": ("Emotions/Negative/Sad_1", "look sad", 1.0),
    "excited": ("Gestures/Enthusiastic_1", "be excited", 0.9),
    "calm": ("Gestures/CalmDown_1", "calm down", 0.8),
    "point_self": ("Gestures/Me_1", "point at myself", 0.8),
    "point_you": ("Gestures/You_1", "point at you", 0.8),
    "explain": ("Gestures/Explain_1", "explain with gestures", 0.6),
    "give": ("Gestures/Give_1", "give", 0.6),
}
# Verb, and noun that stands after the number, for gestures that people count.
_COUNTED = {
    "wave": (("wave", "wave your hand", "wave at us"), ("挥", "手")),
    "nod": (("nod", "nod your head"), ("点", "头")),
    "shake_head": (("shake your head", "shake your head no"), ("摇", "头")),
    "bow": (("bow", "take a bow"), ("鞠", "躬")),
    "applaud": (("applaud", "clap", "clap your hands"), ("鼓", "掌")),
    "shrug": (("shrug", "shrug your shoulders"), ("耸", "肩")),
}
# What one does to a person: wording in English, before and after the person in Chinese.
_TOWARDS = {
    "wave": (("wave at", "wave to", "give a wave to", "wave hello to"), ("挥挥手", "挥手", "招招手")),
    "bow": (("bow to", "take a bow to", "make a bow to"), ("鞠个躬", "鞠躬", "行个礼")),
    "nod": (("nod at", "nod to", "give a nod to"), ("点点头", "点头")),
    "applaud": (("applaud", "clap for", "give a round of applause to"), ("鼓鼓掌", "鼓掌", "拍拍手")),
}


def _gesture(name: str, path: str, goal: str) -> Make:
    def make(world: World) -> Task:
        steps = before_animation(world)
        leaves = after_animation(world)
        step = Step(goal, [animation(world, path)])
        return Task([*steps, step], must=[{"gesture": name}], event={"gesture": name}, leaves=leaves, tags=["gesture"])

    make.__name__ = name
    make.__doc__ = f"The gesture {name}."
    return make


for _name, (_path, _goal, _weight) in GESTURES.items():
    skill("gestures", weight=_weight)(_gesture(_name, _path, _goal))


@skill("gestures", weight=0.6)
def salute(world: World) -> Task:
    """Salute as soldiers do."""
    step = Step("salute", [animation(world, "Gestures/Salute_1")])
    shown: Predicate = {"moves": "arms"}
    steps = [*before_animation(world), step]
    return Task(steps, must=[shown], event=shown, leaves=after_animation(world), tags=["gesture"])


@skill("gestures", weight=0.6)
def shy(world: World) -> Task:
    """Look embarrassed."""
    step = Step("look embarrassed", [animation(world, "Emotions/Neutral/Embarrassed_1")])
    shown: Predicate = {"moves": "arms"}
    steps = [*before_animation(world), step]
    return Task(steps, must=[shown], event=shown, leaves=after_animation(world), tags=["gesture"])


@skill("gestures", weight=2.5)
def gesture_times(world: World) -> Task:
    """A gesture several times."""
    name = world.random.choice(list(_COUNTED))
    path, goal, _ = GESTURES[name]
    number, slots = often(world, 6)
    en, (verb, noun) = _COUNTED[name]
    slots |= {"gesture": world.random.choice(en), "v": verb, "o": noun, "m": "个" if name == "bow" else "下"}
    steps = [*before_animation(world), Step(f"{goal} {number} times", loop(number, [animation(world, path)]))]
    shown: Predicate = {"gesture": name}
    return Task(
        steps,
        slots,
        must=[{"times": {"of": shown, "count": [number, number]}}],
        event=shown,
        leaves=after_animation(world),
        variant="chinese_word" if name in ("bow", "applaud") and world.language == "zh" else "",
        tags=["gesture", "repetition"],
    )


@skill("gestures", weight=1.0)
def gesture_to_person(world: World) -> Task | None:
    """A gesture towards somebody in the scene: the robot turns to them first, unless it sits."""
    if not world.people or not can_animate(world):
        return None
    person = world.random.choice(list(world.people))
    name = world.random.choices(list(_TOWARDS), [5, 3, 2, 1])[0]
    path, goal, _ = GESTURES[name]
    en, zh = _TOWARDS[name]
    gesture = Step(goal, [animation(world, path)], target=person)
    shown: Predicate = {"gesture": name}
    called = f"the {person}" if world.language == "en" and person.islower() and person != "grandma" else person
    slots = {"person": called, "gesture": world.one_of(en, zh)}
    if world.posture == "Sitting":
        look = [f'x, y, z = scene.position("{person}")', "ALTracker.lookAt([x, y, z], 2, 0.3, False)"]
        if abs(bearing(world, person) or 0.0) > 1.5:
            return None
        steps = [Step("look at the person", look, target=person), gesture]
        seen = {"looks_at": {"target": person, "within": 12}}
        return Task(steps, slots, must=[seen, shown], event=shown, tags=["gesture", "scene"])
    turn = Step("turn to the person", [f'ALMotion.moveTo(0.0, 0.0, scene.bearing("{person}"))'], target=person)
    theta = bearing(world, person)
    return Task(
        [turn, gesture],
        slots,
        must=[shown],
        at_end=[{"faces": {"target": person, "within": 20}}],
        event=shown,
        moved=None if theta is None else Pose(0.0, 0.0, theta),
        tags=["gesture", "scene"],
    )
