"""What one says on occasions: greetings, thanks, wishes, and who the robot is."""

from __future__ import annotations

import tomllib
from pathlib import Path

from services.training.dataset.sayings import capital, somebody, speech, to_all
from services.training.dataset.task import Task, World, skill

_SAID = tomllib.loads((Path(__file__).parents[1] / "manners.toml").read_text(encoding="utf-8"))
#: Occasions with their goals.
_OCCASIONS = {
    "greet": "greet",
    "welcome": "welcome",
    "goodbye": "say goodbye",
    "thank": "say thank you",
    "congratulate": "congratulate",
    "birthday": "wish a happy birthday",
    "apologise": "apologise",
    "compliment": "pay a compliment",
    "encourage": "encourage",
    "wish_luck": "wish good luck",
    "get_well": "wish to get well",
    "comfort": "comfort",
    "praise": "praise",
}
_ANIMATED = {"welcome"}


def _occasion(name: str, goal: str, weight: float) -> None:
    """Register the skill of an occasion."""

    def make(world: World) -> Task:
        texts = _SAID[name][world.language]
        if world.random.random() < 0.55:
            who, address, pronouns = somebody(world)
            text = capital(to_all(world.random.choice(texts["to"]), pronouns).format(who=address))
            return speech(goal, text, {"who": who}, animated=name in _ANIMATED, variant="to")
        return speech(goal, world.random.choice(texts["alone"]), {}, animated=name in _ANIMATED, variant="alone")

    make.__name__ = name
    make.__doc__ = f"Say what one says to {goal}."
    skill("manners", weight=weight)(make)


for _name, _goal in _OCCASIONS.items():
    _occasion(_name, _goal, {"greet": 4.0, "goodbye": 3.0, "welcome": 1.5}.get(_name, 0.6))


@skill("manners", weight=1.5)
def daytime(world: World) -> Task:
    """Greet by the time of the day."""
    texts = _SAID["daytime"][world.language]
    number = world.random.choices(range(5), [6, 3, 4, 4, 1])[0]
    greeting = texts["alone"][number][:-1]
    said = greeting[0].lower() + greeting[1:]
    slots = {"daytime": said, "wished": said if "night" in said else f"a {said}"}
    if world.random.random() < 0.5:
        return speech(f"say {_goal_of(number)}", texts["alone"][number], slots, variant="alone")
    who, address, _ = somebody(world)
    text = capital(texts["to"][number].format(who=address))
    return speech(f"say {_goal_of(number)}", text, {**slots, "who": who}, variant="to")


def _goal_of(number: int) -> str:
    greeting: str = _SAID["daytime"]["en"]["alone"][number]
    return greeting[:-1].lower()


@skill("manners", weight=1.5)
def introduce(world: World) -> Task:
    """Say who the robot is and what it can do."""
    text = _SAID["introduce"][world.language]["alone"][0]
    return speech("introduce myself", text, {}, animated=True)
