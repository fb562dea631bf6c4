"""Light shows, and what the lights stand for."""

from __future__ import annotations

from services.training.dataset.sayings import line, said
from services.training.dataset.skills.lights import COLOURS, glows, name_of, seconds_of
from services.training.dataset.task import Predicate, Step, Task, World, skill

_RGB = {
    "red": "0xFF0000",
    "green": "0x00FF00",
    "blue": "0x0000FF",
    "yellow": "0xFFFF00",
    "white": "0xFFFFFF",
    "magenta": "0xFF00FF",
    "cyan": "0x00FFFF",
    "orange": "0xFF8000",
    "purple": "0x8000FF",
    "pink": "0xFF69B4",
}
#: Moods and signals whose colour people agree on, with a sentence for the moods.
_MEANINGS = {
    "angry": ("red", "I am angry!", "我生气了！"),
    "happy": ("green", "I am happy!", "我很开心！"),
    "sad": ("blue", "I am sad.", "我很难过。"),
    "stop": ("red", "", ""),
    "go": ("green", "", ""),
    "error": ("red", "", ""),
    "success": ("green", "", ""),
}
_RAINBOW = ["red", "yellow", "green", "cyan", "blue", "magenta"]
_CHANGES: Predicate = {"lights": {"group": "eyes", "colour": "any"}}


@skill("shows", weight=1.2)
def random_eyes(world: World) -> Task:
    """Let the eyes show random colours."""
    return _pattern(world, "random colours", "randomEyes")


@skill("shows", weight=0.8)
def rasta(world: World) -> Task:
    """Let the eyes show green, yellow and red."""
    return _pattern(world, "rasta colours", "rasta")


@skill("shows", weight=1.0)
def rotate_eyes(world: World) -> Task:
    """Let a colour go round in the eyes."""
    name = world.random.choice(list(_RGB))
    seconds, words = _perhaps(world)
    step = Step(f"rotate {name} in eyes", [f"ALLeds.rotateEyes({_RGB[name]}, 1.0, {seconds})"])
    slots = {"colour": name_of(world, name), "for": words}
    return Task([step], slots, must=[_CHANGES], event=_CHANGES, tags=["lights"])


@skill("shows", weight=1.2)
def rainbow(world: World) -> Task:
    """Let the eyes go through the colours of the rainbow."""
    names = ", ".join(f'"{name}"' for name in _RAINBOW)
    lines = [f"for colour in [{names}]:", '    ALLeds.fadeRGB("FaceLeds", colour, 1.0)']
    return _seen([Step("rainbow eyes", lines)], _RAINBOW)


@skill("shows", weight=0.8)
def traffic_light(world: World) -> Task:
    """Be a traffic light."""
    lines = ['for colour in ["red", "yellow", "green"]:', '    ALLeds.fadeRGB("FaceLeds", colour, 2.0)']
    return _seen([Step("be a traffic light", lines)], ["red", "yellow", "green"])


@skill("shows", weight=0.8)
def police_light(world: World) -> Task:
    """Flash red and blue."""
    flashes = [f'    ALLeds.fadeRGB("FaceLeds", "{name}", 0.3)' for name in ("red", "blue")]
    return _seen([Step("flash like police", ["for i in range(4):", *flashes])], ["red", "blue"])


@skill("shows", weight=0.6)
def any_colour(world: World) -> Task:
    """Turn the eyes to a colour that nobody has named."""
    name = world.random.choice(["blue", "green", "magenta", "cyan", "yellow"])
    lines = [f'ALLeds.fadeRGB("FaceLeds", {COLOURS[name][0]}, 0.5)']
    return Task([Step("change eye colour", lines)], must=[_CHANGES], event=_CHANGES, tags=["lights"])


@skill("shows", weight=2.0)
def meaning(world: World) -> Task:
    """Show a mood or a signal with the eyes."""
    kind = world.random.choices(list(_MEANINGS), [3, 3, 3, 1, 1, 1, 1])[0]
    colour = _MEANINGS[kind][0]
    lines = [f'ALLeds.fadeRGB("FaceLeds", {COLOURS[colour][0]}, 0.5)']
    return _seen([Step(f"show {kind} with eyes", lines)], [colour], kind)


@skill("shows", weight=1.2)
def say_mood(world: World) -> Task:
    """Say how the robot feels, and show it with the eyes."""
    kind = world.random.choice([mood for mood, (_, english, _) in _MEANINGS.items() if english])
    colour, english, chinese = _MEANINGS[kind]
    text = world.say(english, chinese)
    steps = [
        Step(f"show {kind} with eyes", [f'ALLeds.fadeRGB("FaceLeds", {COLOURS[colour][0]}, 0.5)']),
        Step(f"say I am {kind}", [line(text)]),
    ]
    must = [*glows("eyes", colour), said(text)]
    return Task(steps, must=must, event=must[0], variant=kind, tags=["lights", "speech"])


def _pattern(world: World, goal: str, method: str) -> Task:
    seconds, words = _perhaps(world)
    step = Step(goal, [f"ALLeds.{method}({seconds})"])
    return Task([step], {"for": words}, must=[_CHANGES], event=_CHANGES, tags=["lights"])


def _perhaps(world: World) -> tuple[str, str]:
    """Five seconds that nobody spoke of, or some that somebody did: for the program, and as the end of a phrase."""
    if world.random.random() < 0.5:
        return "5.0", ""
    seconds, words = seconds_of(world)
    return seconds, world.say(f" for {words}", f"，持续{words}")


def _seen(steps: list[Step], names: list[str], variant: str = "") -> Task:
    must = [shown for name in names for shown in glows("eyes", name)]
    return Task(steps, must=must, event=must[0], variant=variant, tags=["lights"])
