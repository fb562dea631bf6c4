"""What the robot must not or cannot do: it says shortly why and does nothing. See the phrase books ``refusals_*``."""

from __future__ import annotations

from services.training.dataset.phrases import books, patterns, variants
from services.training.dataset.task import Step, Task, World, skill


@skill("refusals", weight=0.0, share=0.118)
def refuse(world: World) -> Task:
    """Decline one of many kinds of requests."""
    kind = world.random.choice(variants("refuse"))
    (reason,) = books()[f"refuse.{kind}.reason"]
    spoken = world.random.choice(patterns("refuse", kind, world.language, "spoken")).text
    step = Step(reason.text, [f'ALTextToSpeech.say("{spoken}")'])
    slots = {name: _word(world, name) for name in variants("words")}
    return Task([step], slots, must=[{"says": {}}], outcome="refuses", variant=kind, tags=["refusal", kind])


def _word(world: World, kind: str) -> str:
    """One of the words of a kind, such as a person or something breakable."""
    return world.random.choice(books()[f"words.{kind}.{world.language}.any"]).text
