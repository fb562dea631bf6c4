"""The LEDs."""

from __future__ import annotations

from services.training.dataset.task import Step, Task, World, skill

COLOURS = {
    "red": ("红色", "红"),
    "green": ("绿色", "绿"),
    "blue": ("蓝色", "蓝"),
    "yellow": ("黄色", "黄"),
    "white": ("白色", "白"),
    "magenta": ("品红色", "洋红色"),
    "cyan": ("青色", "青"),
}
_GROUPS = {
    "eyes": ("FaceLeds", ("eyes", "eye lights", "eye leds"), ("眼睛", "眼灯")),
    "ears": ("EarLeds", ("ears", "ear lights"), ("耳朵", "耳灯")),
    "chest": ("ChestLeds", ("chest", "chest light", "chest button light"), ("胸口", "胸灯")),
    "feet": ("FeetLeds", ("feet", "foot lights"), ("脚", "脚灯")),
}


@skill("lights", weight=2.0)
def colour(world: World) -> Task:
    """Turn a group of LEDs to a colour."""
    name = world.random.choice(list(COLOURS))
    group = world.random.choices(list(_GROUPS), [6, 1, 2, 1])[0]
    leds, en, zh = _GROUPS[group]
    part = world.one_of(en, zh)
    said = name if world.language == "en" else world.random.choice(COLOURS[name])
    step = Step(f"{group} {name}", [f'ALLeds.fadeRGB("{leds}", "{name}", 0.5)'])
    shown = {"lights": {"group": group, "colour": name}}
    return Task([step], {"part": part, "colour": said}, must=[shown], event=shown, tags=["lights"])
