"""Gestures: animations that mean something."""

from __future__ import annotations

from services.training.dataset.task import Step, Task, World, skill


@skill("gestures", weight=2.0)
def wave(world: World) -> Task:
    """Wave at somebody."""
    family = "Sit" if world.posture == "Sitting" else "Stand"
    step = Step("wave", [f'ALAnimationPlayer.run("animations/{family}/Gestures/Hey_1")'])
    return Task([step], must=[{"gesture": "wave"}], event={"gesture": "wave"}, tags=["gesture"])
