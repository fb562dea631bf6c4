"""Lights that mean something: signals with their words, states of mind with a gesture, two parts at once."""

from __future__ import annotations

from dataclasses import dataclass

from services.training.dataset.sayings import line, quoted, said, sentence, simple
from services.training.dataset.skills.body import after_animation, animation, before_animation, upright
from services.training.dataset.skills.lights import COLOURS, glows, name_of, seconds_of
from services.training.dataset.task import Predicate, Step, Task, World, skill

#: Signals of a traffic light: colour, word for it in an order, and what is called out with it.
_SIGNALS = {
    "stop": ("red", ("stop", "halt"), ("停", "停止"), ("Stop!", "停！")),
    "go": ("green", ("go",), ("走", "通行"), ("Go!", "走！")),
    "wait": ("yellow", ("wait", "get ready"), ("等", "准备"), ("Get ready!", "准备！")),
}


@dataclass(frozen=True)
class State:
    """A state of mind: its colour, its gesture, and the words that follow "that you are"."""

    colour: str
    gesture: str
    animation: str
    en: tuple[str, ...]
    zh: tuple[str, ...]


STATES = {
    "thinking": State(
        "yellow", "think", "Gestures/Thinking_1",
        ("thinking", "thinking hard", "pondering", "working on an answer", "trying to remember"),
        ("在思考", "在想问题", "正在动脑筋", "在认真思考"),
    ),
    "listening": State(
        "blue", "nod", "Gestures/Yes_1",
        ("listening", "all ears", "paying attention", "listening to us"),
        ("在听", "在认真听", "正在听我们说话"),
    ),
    "angry": State(
        "red", "shake_head", "Gestures/No_1",
        ("angry", "mad", "furious", "cross with us", "annoyed"),
        ("生气了", "很生气", "在发火", "很恼火"),
    ),
    "sad": State(
        "blue", "sad", "Emotions/Negative/Sad_1",
        ("sad", "unhappy", "heartbroken", "down"),
        ("很难过", "很伤心", "不开心", "心里难受"),
    ),
    "happy": State(
        "green", "happy", "Emotions/Positive/Happy_1",
        ("happy", "glad", "in a good mood", "delighted", "full of joy"),
        ("很开心", "很高兴", "心情很好", "特别快乐"),
    ),
    "excited": State(
        "orange", "excited", "Gestures/Enthusiastic_1",
        ("excited", "thrilled", "enthusiastic", "over the moon"),
        ("很激动", "很兴奋", "充满热情"),
    ),
    "puzzled": State(
        "magenta", "shrug", "Gestures/IDontKnow_1",
        ("puzzled", "confused", "clueless", "at a loss"),
        ("很困惑", "搞不懂", "一头雾水"),
    ),
    "calm": State(
        "white", "calm", "Gestures/CalmDown_1",
        ("calm", "relaxed", "at peace"),
        ("很平静", "很放松", "心里很平和"),
    ),
}  # fmt: skip
_PARTS = {
    "eyes": ("FaceLeds", ("eyes",), ("眼睛",)),
    "ears": ("EarLeds", ("ears", "ear lights"), ("耳朵", "耳灯")),
    "chest": ("ChestLeds", ("chest", "chest light"), ("胸口", "胸灯")),
    "feet": ("FeetLeds", ("feet", "foot lights"), ("脚", "脚灯")),
}


@skill("lights", weight=1.2)
def stop_and_go(world: World) -> Task:
    """Red with one word and green with another, as at a crossing."""
    words = world.random.choice([("Stop!", "停！", "Go!", "走！"), ("Stop!", "请停！", "Walk!", "请走！")])
    stop, go = world.say(*words[:2]), world.say(*words[2:])
    steps = [
        Step("show red and say stop", [f'ALLeds.fadeRGB("FaceLeds", {COLOURS["red"][0]}, 0.5)', line(stop)]),
        Step("show green and say go", [f'ALLeds.fadeRGB("FaceLeds", {COLOURS["green"][0]}, 0.5)', line(go)]),
    ]
    slots = {"stop": stop[:-1].lower(), "go": go[:-1].lower()}
    must = [*glows("eyes", "red"), *glows("eyes", "green"), said(stop), said(go)]
    return Task(steps, slots, must=must, event=must[0], tags=["lights", "speech", "signal"])


@skill("lights", weight=1.2)
def signal(world: World) -> Task:
    """One signal of a traffic light, with its word or without."""
    kind = world.random.choice(list(_SIGNALS))
    name, en, zh, call = _SIGNALS[kind]
    loud = world.random.random() < 0.5
    text = world.say(*call)
    lines = [f'ALLeds.fadeRGB("FaceLeds", {COLOURS[name][0]}, 0.5)', *([line(text)] if loud else [])]
    must = [*glows("eyes", name), *([said(text)] if loud else [])]
    return Task(
        [Step(f"signal {kind}", lines)],
        {"signal": world.one_of(en, zh), "colour": name_of(world, name)},
        must=must,
        event=must[0],
        variant="aloud" if loud else "",
        tags=["lights", "signal"],
    )


@skill("lights", weight=2.0)
def show_state(world: World) -> Task:
    """Show a state of mind with the eyes and a gesture."""
    kind = world.random.choice(list(STATES))
    state = STATES[kind]
    shown: Predicate = {"gesture": state.gesture}
    steps = [
        *before_animation(world),
        Step(f"{kind} eyes", [f'ALLeds.fadeRGB("FaceLeds", {COLOURS[state.colour][0]}, 0.5)']),
        Step(f"{kind} gesture", [animation(world, state.animation)]),
    ]
    return Task(
        steps,
        {"state": world.one_of(state.en, state.zh)},
        must=[*glows("eyes", state.colour), shown],
        event=shown,
        leaves=after_animation(world),
        tags=["lights", "gesture"],
    )


@skill("lights", weight=1.5)
def two_parts(world: World) -> Task:
    """Two parts in two colours at once, or in the same one, perhaps for some seconds."""
    rng = world.random
    groups = rng.sample(list(_PARTS), 2)
    same, held = rng.random() < 0.4, rng.random() < 0.5
    names = rng.sample(list(COLOURS), 2)
    if same:
        names[1] = names[0]
    slots: dict[str, str] = {}
    lines, off = [], []
    must: list[Predicate] = []
    for number, (group, name) in enumerate(zip(groups, names, strict=True), start=1):
        leds, en, zh = _PARTS[group]
        slots |= {f"part{number}": world.one_of(en, zh), f"colour{number}": name_of(world, name)}
        lines.append(f'ALLeds.fadeRGB("{leds}", {COLOURS[name][0]}, 0.5)')
        off.append(f'ALLeds.off("{leds}")')
        must += [*glows(group, name), *(glows(group, "off") if held else [])]
    steps = [Step(f"{groups[0]} {names[0]}, {groups[1]} {names[1]}", lines)]
    if held:
        seconds, slots["seconds"] = seconds_of(world)
        steps += [Step("keep it", [f"time.sleep({seconds})"]), Step("lights off", off)]
    variant = ("same" if same else "different") + ("_held" if held else "")
    return Task(steps, slots, must=must, event=must[0], variant=variant, tags=["lights"])


@skill("lights", weight=1.0)
def say_in_colour(world: World) -> Task | None:
    """Say something with the eyes in a colour, and switch them off after it."""
    text = sentence(world)
    if not upright(world) or not simple(text, world.language):
        return None
    name = world.random.choice(list(COLOURS))
    steps = [
        Step(f"eyes {name}", [f'ALLeds.fadeRGB("FaceLeds", {COLOURS[name][0]}, 0.5)']),
        Step("say it", [line(text)]),
    ]
    off = world.random.random() < 0.4
    if off:
        steps.append(Step("eyes off", ['ALLeds.off("FaceLeds")']))
    must = [*glows("eyes", name), said(text), *(glows("eyes", "off") if off else [])]
    slots = {"what": quoted(world, text), "colour": name_of(world, name)}
    return Task(steps, slots, must=must, event=must[0], variant="off" if off else "", tags=["lights", "speech"])
