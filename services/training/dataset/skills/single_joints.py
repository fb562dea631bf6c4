"""Single joints by their names, and wrists."""

from __future__ import annotations

from services.behavior.catalogue import load_catalogue
from services.training.dataset.skills.body import angle_words, degrees, joints, upright
from services.training.dataset.task import Predicate, Step, Task, World, skill

_OFFERED = (
    "HeadYaw", "HeadPitch", "LShoulderPitch", "RShoulderPitch", "LShoulderRoll", "RShoulderRoll", "LElbowYaw",
    "RElbowYaw", "LElbowRoll", "RElbowRoll", "LWristYaw", "RWristYaw",
)  # fmt: skip
_DEGREES_A_RADIAN = 57.29578
_PITCH_MARGIN = 0.35  # what HeadPitch can take at any HeadYaw that people ask for


@skill("arms", weight=1.2)
def set_joint(world: World) -> Task | None:
    """Move a joint that is named to an angle, as engineers ask for it."""
    if not upright(world):
        return None
    rng = world.random
    name = rng.choice(_OFFERED)
    limits = load_catalogue("nao").joints[name]
    low, high = limits.min, limits.max
    if name == "HeadPitch":
        low, high = -_PITCH_MARGIN, _PITCH_MARGIN
    if rng.random() < 0.5:
        angle = rng.choice([step / 10 for step in range(int(low * 10) + 1, int(high * 10))])
        code, said = f"{angle}", f"{angle} " + world.one_of(("rad", "radians"), ("弧度",))
        seen = angle * _DEGREES_A_RADIAN
    else:
        number = rng.choice([step * 5 for step in range(int(low * 11.4) + 1, int(high * 11.4))])
        code, said = degrees(abs(number), 1 if number >= 0 else -1), angle_words(world, number)
        seen = float(number)
    shown: Predicate = {"joint": {"name": name, "degrees": [round(seen - 3, 1), round(seen + 3, 1)]}}
    step = Step(f"move {name}", [joints({name: code})])
    return Task([step], {"joint": name, "angle": said}, must=[shown], event=shown, tags=["joints", "degrees"])


@skill("arms", weight=0.7)
def turn_wrist(world: World) -> Task | None:
    """Turn a wrist by an angle, or simply to and fro."""
    if not upright(world):
        return None
    side = world.random.choice("LR")
    words = {"L": ("left", "左"), "R": ("right", "右")}[side]
    slots = {"side": world.say(*words)}
    name = f"{side}WristYaw"
    if world.random.random() < 0.5:
        number = world.random.choice(range(20, 95, 5))
        shown = {"joint": {"name": name, "degrees": [number - 4, number + 4]}}
        slots["angle"] = angle_words(world, number)
        step = Step(f"turn {words[0]} wrist {number} degrees", [joints({name: degrees(number)})])
        return Task([step], slots, must=[shown], event=shown, variant="degrees", tags=["arms", "degrees"])
    lines = ["for yaw in [1.0, -1.0, 0.0]:", f"    {joints({name: 'yaw'})}"]
    shown = {"joint": {"name": name, "degrees": [45, 70]}}
    step = Step(f"turn {words[0]} wrist", lines)
    return Task([step], slots, must=[shown], event=shown, tags=["arms"])
