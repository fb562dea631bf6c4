"""What is in the scene: how many, what and who, which is nearest; showing and greeting one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from services.training.dataset.scenes import OTHERWISE
from services.training.dataset.skills.looking import ASIDE_RAD, LOOK, in_sight, looks_at, reach_for
from services.training.dataset.skills.measures import chinese, english
from services.training.dataset.skills.pointing import near_arm, point_with, points_at
from services.training.dataset.targets import locate, the
from services.training.dataset.task import STILL, Predicate, Step, Task, World, skill

_FARTHEST_M = 5.0
_CLEARLY_M = 0.3
#: Words that several things of the scene share: plural in English.
_KINDS = {
    "ball": "balls",
    "chair": "chairs",
    "door": "doors",
    "box": "boxes",
    "cup": "cups",
    "lamp": "lamps",
    "table": "tables",
    "cube": "cubes",
    "球": "个球",
    "椅子": "把椅子",
    "桌子": "张桌子",
    "门": "扇门",
    "杯子": "个杯子",
    "灯": "盏灯",
    "盒子": "个盒子",
    "方块": "个方块",
}
#: Which one: its measure (the least is meant), and the adjective that says so in both languages.
_WHICH: dict[str, tuple[Callable[[Sequence[float]], float], str, str]] = {
    "nearest": (lambda place: math.hypot(*place[:2]), "nearest", "最近"),
    "farthest": (lambda place: -math.hypot(*place[:2]), "farthest", "最远"),
    "leftmost": (lambda place: -place[1], "farthest to the left", "最左边"),
    "rightmost": (lambda place: place[1], "farthest to the right", "最右边"),
}


@skill("seeing", weight=0.0, joins=False, share=0.01)
def how_many(world: World) -> Task | None:
    """Say how many people, things, or things of a kind there are."""
    if not world.objects and not world.people and world.random.random() < 0.5:
        return None
    kind = world.random.choice(["people", "people", "things", "kind", "kind"])
    number = len(world.people if kind == "people" else world.objects)
    if kind == "kind":
        found = [word for word in _KINDS if any(_is(name, word) for name in world.objects)]
        if not found:
            return None
        word = world.random.choice(found)
        number = sum(_is(name, word) for name in world.objects)
        one, many = word, _KINDS[word]
    else:
        word = world.say(kind, "")
        one, many = {"people": ("person", "people"), "things": ("thing", "things")}[kind]
        many = world.say(many, {"people": "个人", "things": "样东西"}[kind])
    if world.language == "zh":
        spoken = f"我看到{chinese(number, counts=True)}{many}。" if number else f"我没看到{many[1:]}。"
        slots = {"many": f"几{many}", "kind": many[1:]}
    else:
        spoken = f"I see {english(number) if number else 'no'} {one if number == 1 else many}."
        slots = {"many": many, "kind": many}
    shown = {"says": {"all": [spoken]}}
    return _words(spoken, "say how many", slots, shown, "people" if kind == "people" else "")


@skill("seeing", weight=0.0, joins=False, share=0.008)
def name_all(world: World) -> Task | None:
    """Say what there is and who is there."""
    kind = world.random.choice(["all", "things", "people"])
    names = [*(world.objects if kind != "people" else ()), *(world.people if kind != "things" else ())]
    if not names and kind != "people" and world.random.random() < 0.6:
        return None
    if not names:
        spoken = world.say("I see nobody." if kind == "people" else "I see nothing.", "我没看到人。")
        if kind != "people":
            spoken = world.say(spoken, "我什么都没看到。")
    else:
        spoken = world.say(f"I see {_list(world, names)}.", f"我看到{_list(world, names)}。")
    return _words(spoken, "name what is there", {}, {"says": {"all": names or [spoken]}}, kind)


@skill("seeing", weight=0.0, joins=False, share=0.01)
def which_is(world: World) -> Task | None:
    """Say which thing or person is nearest, farthest, leftmost or rightmost."""
    people = len(world.people) > 1 and world.random.random() < 0.5
    name, kind = _one(world, world.people if people else world.objects)
    if not name:
        return None
    _, en, zh = _WHICH[kind]
    spoken = world.say(f"{_capital(the(world, name))} is {en}.", f"{name}{'离我' if '边' not in zh else '在'}{zh}。")
    slots = {
        "which": world.say("who" if people else "what", "谁" if people else "什么"),
        "of": world.say("person" if people else "thing", "人" if people else "东西"),
    }
    return _words(spoken, "say which it is", slots, {"says": {"any": [name]}}, kind)


@skill("seeing", weight=4.5, needs="Standing")
def point_each(world: World) -> Task | None:
    """Point at several things or people one after the other, and perhaps say what each is."""
    return _each(world, pointing=True)


@skill("seeing", weight=4.0)
def look_each(world: World) -> Task | None:
    """Look at several things or people one after the other."""
    return _each(world, pointing=False)


@skill("seeing", weight=2.0)
def greet_all(world: World) -> Task | None:
    """Greet everybody in the scene by name."""
    if not world.people:
        return None
    hello = [world.say(f"hello {name}", f"你好，{name}") for name in world.people]
    spoken = _capital(world.say(", ".join(hello) + "!", "！".join(hello) + "！"))
    shown: Predicate = {"says": {"all": list(world.people)}}
    step = Step("greet them by name", [f'ALTextToSpeech.say("{spoken}")'])
    return Task([step], must=[shown], event={"says": {"any": [next(iter(world.people))]}}, tags=["speech", "scene"])


def _each(world: World, *, pointing: bool) -> Task | None:
    kind = world.random.choice(["things", "people", "told"])
    names = list({"things": world.objects, "people": world.people}.get(kind, {**world.objects, **world.people}))
    if kind == "told":
        names = world.random.sample(names, min(len(names), world.random.choice([2, 2, 3])))
    if not 2 <= len(names) <= 3 or world.pose != STILL:
        return None
    naming = world.random.random() < 0.4
    steps: list[Step] = []
    must: list[Predicate] = []
    for name in names:
        target = locate(world, name)
        way = reach_for(world, target, pointing=pointing)
        if way is None or way[1].theta or abs(target.bearing) > ASIDE_RAD or target.distance > _FARTHEST_M:
            return None
        if not pointing and not in_sight(target, way[1]):
            return None
        act = point_with(near_arm(world, target)) if pointing else LOOK
        said = [f'ALTextToSpeech.say("{_capital(the(world, name))}{world.say(".", "。")}")'] if naming else []
        steps.append(Step("point at it" if pointing else "look at it", [*way[0], act, *said], target=name))
        must.append(points_at(target) if pointing else looks_at(target))
    if naming:
        must.append({"says": {"all": names}})
    variant = "_".join(filter(None, (kind, "naming" if naming else "")))
    return Task(
        steps,
        {"list": _list(world, names), "then": world.say(", then ", "，再").join(the(world, name) for name in names)},
        must=must,
        must_not=[{"moves": "walk"}],
        event=must[0],
        variant=variant,
        tags=["pointing" if pointing else "looking", "scene", "sequence"],
    )


def _one(world: World, places: dict[str, list[float]]) -> tuple[str, str]:
    """The one of several that is clearly nearest and so on, and which that is; empty if none is."""
    kind = world.random.choice(list(_WHICH))
    measured = sorted((_WHICH[kind][0](place), name) for name, place in places.items())
    if len(measured) < 2 or measured[1][0] - measured[0][0] < _CLEARLY_M:
        return "", kind
    return measured[0][1], kind


def _list(world: World, names: Sequence[str]) -> str:
    if world.language == "zh":
        return "、".join(names[:-1]) + ("和" if len(names) > 1 else "") + names[-1]
    words = [the(world, name) for name in names]
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1]


def _is(name: str, word: str) -> bool:
    return name == word or word in OTHERWISE.get(name, ())


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _words(spoken: str, goal: str, slots: dict[str, str], shown: Predicate, variant: str) -> Task:
    return Task(
        [Step(goal, [f'ALTextToSpeech.say("{spoken}")'])],
        slots,
        must=[shown],
        must_not=[{"moves": "any"}],
        outcome="words",
        variant=variant,
        tags=["words", "scene"],
    )
