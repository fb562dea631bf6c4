"""One of two simple acts, as the battery, a sensor, the posture, a distance or the scene has it.

As in ``conditions``: what the robot can sense is asked in the program; what the scene says is known when it is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.training.dataset.scenes import PEOPLE, THINGS
from services.training.dataset.skills.arms import UP, arms_line
from services.training.dataset.skills.body import animation, can_animate, joints, upright
from services.training.dataset.skills.head import DIRECTIONS
from services.training.dataset.skills.lights import COLOURS, glows, name_of
from services.training.dataset.skills.senses import TOUCH
from services.training.dataset.targets import locate, the
from services.training.dataset.task import Predicate, Step, Task, World, skill


@dataclass(frozen=True)
class Act:
    """One line of a branch: goal, how it is ordered, what shows it, and the posture family that it leaves."""

    goal: str
    said: str
    line: str
    shown: Predicate
    leaves: str = ""


@dataclass(frozen=True)
class Case:
    """What a branch hangs on: how it is said, the code that asks (none: the scene tells), whether it holds."""

    goal: str
    said: str
    test: str
    holds: bool
    reads: str = ""
    before: tuple[str, ...] = ()


_ANIMATED = {
    "nod": ("Gestures/Yes_1", "nod", ("nod", "nod your head"), ("点点头", "点个头")),
    "shake_head": (
        "Gestures/No_1", "shake the head", ("shake your head", "shake your head no"), ("摇摇头", "摇个头"),
    ),
    "wave": ("Gestures/Hey_1", "wave", ("wave", "wave your hand", "give a wave"), ("挥挥手", "招招手")),
    "shrug": ("Gestures/IDontKnow_1", "shrug", ("shrug", "shrug your shoulders"), ("耸耸肩", "耸个肩")),
    "bow": ("Gestures/BowShort_1", "bow", ("bow", "take a bow"), ("鞠个躬", "鞠一躬")),
    "applaud": ("Gestures/Applause_1", "applaud", ("clap", "clap your hands", "applaud"), ("鼓鼓掌", "拍拍手")),
}  # fmt: skip
_POSTURES = {
    "Sitting": ("Sit", "sit down", ("sit down", "take a seat"), ("坐下", "坐下来")),
    "Standing": ("Stand", "stand up", ("stand up", "get up"), ("站起来", "起立")),
    "Crouching": ("Crouch", "crouch", ("crouch", "squat down"), ("蹲下", "蹲下来")),
}
_SPOKEN = (
    ("say okay", "Okay.", "说好的", "好的。"),
    ("say hello", "Hello!", "说你好", "你好！"),
    ("say no", "No.", "说不行", "不行。"),
    ("say yes", "Yes.", "说可以", "可以。"),
    ("tell us to wait", "Please wait.", "让我们等一下", "请等一下。"),
    ("say that everything is fine", "Everything is fine.", "说一切正常", "一切正常。"),
    ("say let's go", "Let's go!", "说出发吧", "出发吧！"),
    ("say that you are ready", "I am ready.", "说你准备好了", "我准备好了。"),
    ("say sorry", "Sorry.", "说对不起", "对不起。"),
    ("say that it is too early", "It is too early.", "说还太早", "还太早。"),
)
_METRES = {
    0.5: ("half a metre", "半米"),
    0.8: ("80 cm", "80厘米"),
    1.0: ("one metre", "一米"),
    1.5: ("1.5 metres", "1.5米"),
    2.0: ("two metres", "两米"),
}


@skill("conditions", weight=5.5)
def either_or(world: World) -> Task | None:
    """Do one thing if something is so, otherwise another."""
    return _make(world, both=True)


@skill("conditions", weight=2.4)
def only_if(world: World) -> Task | None:
    """Do something if something is so, else nothing."""
    return _make(world, both=False)


def _make(world: World, *, both: bool) -> Task | None:
    case = _case(world)
    # The robot has to have something to show where nobody sees a question asked.
    if case is None or not (both or case.test or case.holds):
        return None
    about_posture = case.reads == "posture"
    then = _act(world, about_posture)
    other = _act(world, about_posture)
    if then.goal.split()[0] == other.goal.split()[0] and (then.line == other.line or then.leaves or other.leaves):
        return None
    taken = then if case.holds else other if both else None
    if case.test:
        lines = [*case.before, f"if {case.test}:", f"    {then.line}"]
        lines += ["else:", f"    {other.line}"] if both else []
        step = Step(f"{then.goal} if {case.goal}", lines)
        must: list[Predicate] = [{"reads": case.reads}] if case.reads else []
    else:
        assert taken is not None  # noqa: S101
        step, must = Step(taken.goal, [taken.line]), []
    untouched: list[Predicate] = [{"moves": "any"}] if taken is None and not case.reads else []
    return Task(
        [step],
        {"cond": case.said, "then": then.said, "otherwise": other.said},
        must=[*must, *([taken.shown] if taken else [])],
        must_not=untouched,
        leaves=taken.leaves if taken else "",
        last=True,
        tags=["condition", *([case.reads] if case.reads else ["scene"])],
    )


def _act(world: World, about_posture: bool) -> Act:
    """A simple act that is possible where the program stands; none that the posture has a say in, if it is asked."""
    rng = world.random
    kinds = ["eyes", "say", "say"]
    if upright(world):
        kinds += ["arm", "look"]
        if not about_posture:
            kinds += ["posture", *(["animated"] * 3 if can_animate(world) else [])]
    match rng.choice(kinds):
        case "eyes":
            name = rng.choice(["red", "green", "blue", "yellow", "orange", "purple"])
            word = name_of(world, name)
            said = world.one_of(
                [f"make your eyes {word}", f"turn your eyes {word}", f"show {word} eyes"],
                [f"眼睛变{word}", f"让眼睛亮{word}", f"眼睛亮{word}灯"],
            )
            line = f'ALLeds.fadeRGB("FaceLeds", {COLOURS[name][0]}, 0.5)'
            return Act(f"eyes {name}", said, line, glows("eyes", name)[0])
        case "arm":
            side, left, chinese = rng.choice([("L", "left", "左"), ("R", "right", "右")])
            said = world.one_of(
                [f"raise your {left} arm", f"put your {left} arm up"], [f"举起{chinese}手", f"抬起{chinese}臂"]
            )
            shown: Predicate = {"arm": {"side": left, "raised": [50, None]}}
            return Act(f"raise {left} arm", said, arms_line(side, UP), shown)
        case "look":
            way = rng.choice(list(DIRECTIONS))
            joint, angle, seen, _, ways = DIRECTIONS[way]
            said = world.one_of([f"look {way}"], [f"往{ways[0]}看", f"看{ways[1]}"])
            return Act(f"look {way}", said, joints({joint: angle}), {"looks": seen})
        case "posture":
            family = rng.choice([one for one in _POSTURES if one != world.posture])
            posture, goal, *words = _POSTURES[family]
            line = f'ALRobotPosture.goToPosture("{posture}", 0.5)'
            return Act(goal, world.one_of(*words), line, {"posture": family}, family)
        case "animated":
            name = rng.choice(list(_ANIMATED))
            path, goal, en, zh = _ANIMATED[name]
            return Act(goal, world.one_of(en, zh), animation(world, path), {"gesture": name})
        case _:
            told, text, told_zh, text_zh = rng.choice(_SPOKEN)
            text = world.say(text, text_zh)
            return Act("say it", world.say(told, told_zh), f'ALTextToSpeech.say("{text}")', {"says": {"all": [text]}})


def _case(world: World) -> Case | None:
    rng = world.random
    match rng.choice(["battery", "battery", "sonar", "touch", "posture", "posture", "distance", "distance", "there"]):
        case "battery":
            limit, low = rng.choice([10, 15, 20, 25, 30, 40, 50, 60, 75, 80]), rng.random() < 0.7
            charge = 100 if world.battery is None else world.battery
            said = world.one_of(
                [f"your battery is {'below' if low else 'above'} {limit} percent",
                 f"you have {'less' if low else 'more'} than {limit}% battery",
                 f"your charge is {'under' if low else 'over'} {limit}%"],
                [f"电量{'低于' if low else '高于'}{limit}%", f"电{'不到' if low else '超过'}百分之{limit}",
                 f"电池{'少于' if low else '多于'}{limit}%"],
            )  # fmt: skip
            return Case(
                f"battery {'low' if low else 'high'}", said,
                f"ALBattery.getBatteryCharge() {'<' if low else '>'} {limit}",
                charge < limit if low else charge > limit, "battery",
            )  # fmt: skip
        case "sonar":
            metres = rng.choice([0.5, 0.8, 1.0])
            near = world.say(*_METRES[metres])
            said = world.one_of(
                [f"something is closer than {near}", f"your sonar sees something within {near}",
                 f"there is an obstacle within {near}"],
                [f"前面{near}内有东西", f"声纳测到{near}内有障碍", f"离你不到{near}有东西"],
            )  # fmt: skip
            test = f"min(ALSonar.getFilteredValues()) < {metres}"
            return Case("something near", said, test, False, "sonar", ('ALSonar.subscribe("Sonar")',))
        case "touch":
            key = rng.choice(list(TOUCH))
            place = world.one_of(*TOUCH[key])
            said = world.one_of(
                [f"somebody is touching {place}", f"you feel a hand on {place}", f"I am touching {place}"],
                [f"有人在碰{place}", f"感觉到有人摸{place}", f"我摸着{place}"],
            )
            return Case("touched", said, f'ALMemory.getData("{key}") > 0.5', False, "touch")
        case "posture":
            family, en, zh = rng.choice(
                [("Sitting", ("you are sitting", "you are seated"), ("你坐着", "你现在是坐着的")),
                 ("Standing", ("you are standing", "you are on your feet"), ("你站着", "你现在是站着的"))]
            )  # fmt: skip
            test = f'ALRobotPosture.getPostureFamily() == "{family}"'
            return Case(family.lower(), world.one_of(en, zh), test, world.posture == family, "posture")
        case "distance":
            return _far(world)
        case _:
            return _there(world)


def _far(world: World) -> Case | None:
    """How far something is from where the robot has come to, clearly on one side of the limit."""
    names = [*world.objects, *world.people]
    if not names or world.pose is None:
        return None
    name, metres = world.random.choice(names), world.random.choice(list(_METRES))
    away = locate(world, name).distance
    if abs(away - metres) < 0.05:
        return None
    closer, near, thing = world.random.random() < 0.6, world.say(*_METRES[metres]), the(world, name)
    said = world.one_of(
        [f"{thing} is {'closer' if closer else 'farther'} than {near}",
         f"{thing} is {'less' if closer else 'more'} than {near} away"],
        [f"{thing}离你{'不到' if closer else '超过'}{near}", f"你和{thing}的距离{'小于' if closer else '大于'}{near}"],
    )  # fmt: skip
    test = f'scene.distance("{name}") {"<" if closer else ">"} {metres}'
    return Case("near" if closer else "far", said, test, (away < metres) == closer)


def _there(world: World) -> Case:
    """Whether somebody, or a thing of a name, is there: the scene tells."""
    if world.random.random() < 0.5:
        said = world.one_of(["anybody is here", "you see a person", "somebody is there"], ["有人在", "看到有人"])
        return Case("", said, "", bool(world.people))
    here = [*world.objects]
    if here and world.random.random() < 0.6:
        name = world.random.choice(here)
    else:
        known = {*world.objects, *world.people}
        free = [world.say(en, zh) for en, zh in {**THINGS, **PEOPLE}.items()]
        free = [one for one in free if one[0].islower() or world.language == "zh"]
        name = world.random.choice([one for one in free if not any(one in other or other in one for other in known)])
    article = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    said = world.one_of([f"you see {article}", f"there is {article}"], [f"看到{name}", f"这里有{name}"])
    return Case("", said, "", name in world.objects)
