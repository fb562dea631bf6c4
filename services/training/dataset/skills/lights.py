"""The LEDs: colours, on and off, brightness, blinking."""

from __future__ import annotations

from collections.abc import Mapping

from services.training.dataset.task import Predicate, Step, Task, World, skill

#: Colours: how a program writes them, and words for them in English and Chinese.
COLOURS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "red": ('"red"', ("red", "red", "bright red"), ("红色", "红", "红色", "大红色")),
    "green": ('"green"', ("green", "green", "bright green"), ("绿色", "绿", "绿色", "翠绿色")),
    "blue": ('"blue"', ("blue", "blue", "bright blue"), ("蓝色", "蓝", "蓝色", "宝蓝色")),
    "yellow": ('"yellow"', ("yellow", "yellow", "lemon yellow"), ("黄色", "黄", "黄色", "柠檬黄")),
    "white": ('"white"', ("white", "white", "pure white"), ("白色", "白", "白色", "纯白色")),
    "magenta": ('"magenta"', ("magenta", "magenta", "fuchsia"), ("品红色", "洋红色")),
    "cyan": ('"cyan"', ("cyan", "turquoise", "aqua"), ("青色", "青", "青绿色")),
    "orange": ("0xFF8000", ("orange", "orange", "bright orange"), ("橙色", "橘色", "橙", "橘黄色")),
    "purple": ("0x8000FF", ("purple", "violet"), ("紫色", "紫", "紫罗兰色")),
    "pink": ("0xFF69B4", ("pink", "pink", "hot pink"), ("粉色", "粉红色", "粉红")),
}
_HEX = {
    "red": "FF0000",
    "green": "00FF00",
    "blue": "0000FF",
    "yellow": "FFFF00",
    "magenta": "FF00FF",
    "cyan": "00FFFF",
    "orange": "FF8000",
    "purple": "8000FF",
    "pink": "FF69B4",
}
_GROUPS = {
    "eyes": (
        "FaceLeds",
        ("eyes", "eyes", "eyes", "eye lights", "eye leds", "face leds", "LED eyes"),
        ("眼睛", "眼睛", "眼灯", "双眼", "两只眼睛", "眼睛的灯"),
    ),
    "ears": ("EarLeds", ("ears", "ear lights", "ear leds"), ("耳朵", "耳灯", "耳朵灯", "耳朵上的灯")),
    "chest": (
        "ChestLeds",
        ("chest", "chest light", "chest led", "chest button", "chest lamp"),
        ("胸口", "胸灯", "胸口的灯", "胸前的灯"),
    ),
    "feet": ("FeetLeds", ("feet", "foot lights", "feet leds", "foot leds"), ("脚", "脚灯", "脚上的灯", "两只脚的灯")),
    "brain": ("BrainLeds", ("head lights", "brain leds", "head leds"), ("头灯", "头上的灯", "脑袋上的灯", "头顶的灯")),
    "all": ("AllLeds", ("lights", "leds", "body lights"), ("灯", "所有的灯", "全身的灯", "身上的灯", "灯光")),
}
_WEIGHTS = [8, 1, 2, 1, 1, 2]
_COUNTS = {
    2: (("twice", "two times", "2 times"), ("两次", "两下", "2次")),
    3: (("three times", "3 times", "3x"), ("三次", "三下", "3次")),
    4: (("four times", "4 times"), ("四次", "四下", "4次")),
    5: (("five times", "5 times"), ("五次", "五下", "5次")),
    6: (("six times", "6 times"), ("六次", "六下", "6次")),
    10: (("ten times", "10 times"), ("十次", "十下", "10次")),
}


def name_of(world: World, colour: str) -> str:
    """A word for a colour in the language of the world."""
    _, en, zh = COLOURS[colour]
    return world.one_of(en, zh)


def glows(group: str, colour: str) -> list[Predicate]:
    """What shows that a group came to a colour, or "on" or "off"."""
    return [{"lights": {"group": one, "colour": colour}} for one in (("eyes", "chest") if group == "all" else (group,))]


def seconds_of(world: World) -> tuple[str, str]:
    """Some seconds: as a program writes them, and in words."""
    number = world.random.choice([2, 3, 4, 5, 8, 10])
    words = {2: ("two", "两"), 3: ("three", "三"), 5: ("five", "五"), 10: ("ten", "十")}
    digits = number not in words or world.random.random() < 0.5
    en, zh = (str(number), str(number)) if digits else words[number]
    return f"{number}.0", world.say(f"{en} seconds", f"{zh}秒" + world.random.choice(["", "钟"]))


@skill("lights", weight=12.0)
def colour(world: World) -> Task:
    """Turn a group of LEDs to a colour."""
    group, leds, part = _group(world)
    name = world.random.choice(list(COLOURS))
    step = Step(f"{group} {name}", [f'ALLeds.fadeRGB("{leds}", {COLOURS[name][0]}, 0.5)'])
    return _lit([step], {"part": part, "colour": name_of(world, name)}, glows(group, name))


@skill("lights", weight=0.7)
def colour_code(world: World) -> Task:
    """Turn a group of LEDs to a colour that is given as a code."""
    group, leds, part = _group(world)
    name = world.random.choice(list(_HEX))
    step = Step(f"{group} {name}", [f'ALLeds.fadeRGB("{leds}", 0x{_HEX[name]}, 0.5)'])
    code = world.random.choice(["#", "#", "0x", "hex ", "#"]) + _HEX[name]
    return _lit([step], {"part": part, "code": code}, glows(group, name))


@skill("lights", weight=1.0)
def fade_slowly(world: World) -> Task:
    """Let a group of LEDs change to a colour within some seconds."""
    group, leds, part = _group(world)
    name = world.random.choice(list(COLOURS))
    seconds, said = seconds_of(world)
    step = Step(f"{group} slowly {name}", [f'ALLeds.fadeRGB("{leds}", {COLOURS[name][0]}, {seconds})'])
    return _lit([step], {"part": part, "colour": name_of(world, name), "seconds": said}, glows(group, name))


@skill("lights", weight=1.0)
def colour_for(world: World) -> Task:
    """Show a colour for some seconds, then switch it off."""
    group, leds, part = _group(world)
    name = world.random.choice(list(COLOURS))
    seconds, said = seconds_of(world)
    code = COLOURS[name][0]
    steps = [
        Step(
            f"{group} {name}",
            [f'ALLeds.fadeRGB("{leds}", {code}, 0.5)', f'ALLeds.fadeRGB("{leds}", {code}, {seconds})'],
        ),
        Step(f"{group} off", [f'ALLeds.off("{leds}")']),
    ]
    must = [*glows(group, name), *glows(group, "off")]
    return _lit(steps, {"part": part, "colour": name_of(world, name), "seconds": said}, must)


@skill("lights", weight=1.0)
def two_colours(world: World) -> Task:
    """Turn two groups of LEDs to colours."""
    rng = world.random
    groups = rng.sample([one for one in _GROUPS if one != "all"], 2)
    if "eyes" not in groups and rng.random() < 0.7:
        groups[0] = "eyes"
    first, second = rng.sample(list(COLOURS), 2)
    slots: dict[str, str] = {}
    steps: list[Step] = []
    must: list[Predicate] = []
    for number, (group, name) in enumerate(zip(groups, (first, second), strict=True), start=1):
        leds, en, zh = _GROUPS[group]
        slots |= {f"part{number}": world.one_of(en, zh), f"colour{number}": name_of(world, name)}
        steps.append(Step(f"{group} {name}", [f'ALLeds.fadeRGB("{leds}", {COLOURS[name][0]}, 0.5)']))
        must += glows(group, name)
    return _lit(steps, slots, must)


@skill("lights", weight=2.4)
def colour_sequence(world: World) -> Task:
    """Turn the eyes to one colour after another."""
    names = world.random.sample(list(COLOURS), world.random.choice([2, 3, 3, 4]))
    lines = [f'ALLeds.fadeRGB("FaceLeds", {COLOURS[name][0]}, 1.0)' for name in names]
    words = [name_of(world, name) for name in names]
    said = world.say(f"{', '.join(words[:-1])} and {words[-1]}", "、".join(words))
    then = world.say(", then ".join(words), "，然后".join(words))
    slots = {"colours": said, "then": then, "part": world.one_of(*_GROUPS["eyes"][1:])}
    must = [shown for name in names for shown in glows("eyes", name)]
    return _lit([Step("eyes " + ", ".join(names), lines)], slots, must)


@skill("lights", weight=3.0)
def lights_off(world: World) -> Task:
    """Switch LEDs off."""
    group, leds, part = _group(world, [4, 1, 2, 1, 1, 6])
    step = Step("all lights off" if group == "all" else f"{group} off", [f'ALLeds.off("{leds}")'])
    return _lit([step], {"part": part}, glows(group, "off"), "all" if group == "all" else "")


@skill("lights", weight=1.2)
def lights_on(world: World) -> Task:
    """Switch LEDs on."""
    group, leds, part = _group(world, [4, 1, 2, 1, 1, 6])
    step = Step("all lights on" if group == "all" else f"{group} on", [f'ALLeds.on("{leds}")'])
    # They may be on already, so that only the call tells when it happens.
    event: Predicate = {"calls": {"method": "ALLeds.on", "times": [1, None]}}
    return _lit([step], {"part": part}, glows(group, "on"), "all" if group == "all" else "", event)


@skill("lights", weight=1.5)
def brightness(world: World) -> Task:
    """Make LEDs darker or brighter, perhaps to so many percent."""
    rng = world.random
    group, leds, part = _group(world, [6, 1, 1, 1, 1, 4])
    kind = rng.choices(["dim", "bright", "percent"], [4, 3, 3])[0]
    percent = rng.choice([5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90])
    level = {"dim": "0.2", "bright": "1.0", "percent": f"{percent} / 100"}[kind]
    goal = {"dim": "dim", "bright": "brighten", "percent": "set brightness of"}[kind] + f" {group}"
    shown: Predicate = {"calls": {"method": "ALLeds.fade", "times": [1, None]}}
    slots = {
        "part": part,
        "percent": world.one_of([f"{percent}%", f"{percent} percent"], [f"{percent}%", f"百分之{percent}"]),
    }
    return _lit([Step(goal, [f'ALLeds.fade("{leds}", {level}, 1.0)'])], slots, [shown], kind)


@skill("lights", weight=3.0)
def blink(world: World) -> Task:
    """Blink some times, perhaps in a colour."""
    rng = world.random
    group, leds, part = _group(world, [8, 1, 2, 1, 1, 1])
    kind = rng.choices(["colour", "plain", "once_more"], [5, 3, 2])[0]
    name = rng.choice(list(COLOURS)) if kind == "colour" else "white"
    count = 3 if kind == "once_more" else rng.choice(list(_COUNTS))
    lines = [
        f"for i in range({count}):",
        f'    ALLeds.fade("{leds}", 0.0, 0.3)',
        f'    ALLeds.fadeRGB("{leds}", {COLOURS[name][0]}, 0.3)',
    ]
    slots = {"part": part, "colour": name_of(world, name), "times": world.one_of(*_COUNTS[count])}
    must: list[Predicate] = [{"times": {"of": shown, "count": [count, None]}} for shown in glows(group, name)]
    return _lit([Step(f"blink {group}", lines)], slots, must, kind, event=glows(group, "off")[0])


def _group(world: World, weights: list[int] | None = None) -> tuple[str, str, str]:
    """A group of LEDs: what predicates and programs call it, and a word for it."""
    group = world.random.choices(list(_GROUPS), weights or _WEIGHTS)[0]
    leds, en, zh = _GROUPS[group]
    return group, leds, world.one_of(en, zh)


def _lit(
    steps: list[Step],
    slots: Mapping[str, str],
    must: list[Predicate],
    variant: str = "",
    event: Predicate | None = None,
) -> Task:
    return Task(steps, slots, must=must, event=event or must[0], variant=variant, tags=["lights"])
