"""Messages brought to people of the scene: turned to them, at their side, and there and back."""

from __future__ import annotations

from services.behavior.scene import Pose
from services.training.dataset.sayings import capital, line, said
from services.training.dataset.scenes import NAMED, along, is_free
from services.training.dataset.skills.going import FROM_PEOPLE, approach, faces, turn_to
from services.training.dataset.skills.walking import LONGEST_M
from services.training.dataset.targets import Target, choose
from services.training.dataset.task import Step, Task, World, skill

#: Who is in this direction is faced already, radians.
_SAME_RAD = 0.15
#: What is said to somebody: as it is ordered, after "tell them", and as the robot says it.
_MESSAGES = (
    ("that dinner is ready", "dinner is ready", "晚饭好了"),
    ("that the doctor is coming", "the doctor is coming", "医生马上来"),
    ("that the show begins now", "the show begins now", "表演开始了"),
    ("that the tea is ready", "the tea is ready", "茶泡好了"),
    ("that we are leaving soon", "we are leaving soon", "我们快要走了"),
    ("that the lesson is over", "the lesson is over", "下课了"),
    ("that the bus is here", "the bus is here", "车来了"),
    ("that it is time for lunch", "it is time for lunch", "该吃午饭了"),
    ("that the meeting starts at three", "the meeting starts at three", "会议三点开始"),
    ("that it will rain today", "it will rain today", "今天会下雨"),
    ("good morning", "good morning", "早上好"),
    ("hello", "hello", "你好"),
    ("good luck", "good luck", "祝你好运"),
    ("well done", "well done", "做得好"),
    ("thank you", "thank you", "谢谢你"),
    ("happy birthday", "happy birthday", "生日快乐"),
)


def _message(world: World, name: str) -> tuple[str, str, str]:
    """What is ordered to be said, what is said, and whether it is told or just said (the variant of the phrases)."""
    told, en, zh = world.random.choice(_MESSAGES)
    person = name if name in NAMED or world.language == "zh" else f"dear {name}"
    spoken = world.say(f"{capital(person)}, {en}.", f"{name}，{zh}。")
    kind = "told" if told.startswith("that ") else "said"
    return world.say(told if kind == "said" else told.removeprefix("that "), zh), spoken, kind


def _person(world: World) -> Target | None:
    return choose(world, things=False) if world.people else None


@skill("going", weight=3.5, needs="Standing")
def address(world: World) -> Task | None:
    """Turn to a person and say something to them by name."""
    target = _person(world)
    if target is None or abs(target.bearing) < _SAME_RAD:
        return None
    what, spoken, kind = _message(world, target.name)
    steps = [
        Step("turn to the person", [turn_to(target)], target=target.name),
        Step("tell them", [line(spoken)], target=target.name),
    ]
    return Task(
        steps,
        {**target.slots(world), "what": what},
        must=[said(spoken)],
        at_end=[faces(target)],
        event=said(spoken),
        moved=Pose(theta=target.bearing),
        variant=kind,
        tags=["turning", "speech", "scene"],
    )


@skill("going", weight=3.5, needs="Standing")
def go_and_tell(world: World) -> Task | None:
    """Walk to a person and say something to them there."""
    target = _person(world)
    way = None if target is None else approach(world, target, FROM_PEOPLE)
    if target is None or way is None:
        return None
    what, spoken, kind = _message(world, target.name)
    steps = [
        Step("go there", way[0], target=target.name, avoid="obstacles"),
        Step("tell them", [line(spoken)], target=target.name),
    ]
    return Task(
        steps,
        {**target.slots(world), "what": what},
        must=[said(spoken)],
        at_end=[{"near": {"target": target.name, "within": 0.9}}],
        event=said(spoken),
        moved=along(*way[1]),
        variant=kind,
        tags=["going", "speech", "scene"],
    )


@skill("going", weight=2.4, needs="Standing")
def errand(world: World) -> Task | None:
    """Walk to a person, say something and come back."""
    target = _person(world)
    way = None if target is None else approach(world, target, FROM_PEOPLE)
    if target is None or way is None:
        return None
    metres = way[1][1].x
    back = Pose(x=-metres)
    if metres > LONGEST_M - 0.05 or not is_free(world, *way[1], back):
        return None
    what, spoken, kind = _message(world, target.name)
    gone = [turn_to(target), f'way = scene.distance("{target.name}") - {FROM_PEOPLE.code}']
    steps = [
        Step("go there", [*gone, "ALMotion.moveTo(way, 0.0, 0.0)"], target=target.name, avoid="obstacles"),
        Step("tell them", [line(spoken)], target=target.name),
        Step("come back", ["ALMotion.moveTo(-way, 0.0, 0.0)"], avoid="obstacles"),
    ]
    path = {"walked": {"path": [round(1.8 * metres, 3), round(2.2 * metres + 0.02, 3)]}}
    return Task(
        steps,
        {**target.slots(world), "what": what},
        must=[said(spoken)],
        at_end=[path, {"walks": {"distance": [0.0, 0.1]}}],
        event=said(spoken),
        moved=along(*way[1], back),
        variant=kind,
        tags=["going", "speech", "scene"],
    )
