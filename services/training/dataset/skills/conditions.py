"""Conditions: what is done hangs on the battery, the sonars, a touch, the posture, or on what is in the scene.

What the robot can sense is asked in the program. What the scene says is known when the program is written, so there the
program holds only the branch that applies.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.training.dataset.borrow import Borrowed, borrow
from services.training.dataset.phrases import books
from services.training.dataset.scenes import PEOPLE, THINGS
from services.training.dataset.skills.senses import TOUCH
from services.training.dataset.task import STILL, Skill, Step, Task, World, skill

#: When, in the goal of a step.
_WHEN = {"low": "if battery low", "high": "if battery high", "sonar": "if something near", "touch": "if touched"}
_METRES = {
    0.3: ("30 cm", "30厘米"),
    0.5: ("half a metre", "半米"),
    1.0: ("one metre", "一米"),
    0.4: ("40 cm", "40厘米"),
}


@skill("conditions", weight=3.0)
def battery_rule(world: World) -> Task | None:
    """Do one thing or another, as the battery has it."""
    limit, low = world.random.choice([15, 20, 25, 30, 40, 50, 60, 70, 80, 90]), world.random.random() < 0.75
    charge = 100 if world.battery is None else world.battery
    return _rule(
        world,
        "battery",
        [],
        f"ALBattery.getBatteryCharge() {'<' if low else '>'} {limit}",
        holds=charge < limit if low else charge > limit,
        slots={"n": str(limit)},
        way="low" if low else "high",
    )


@skill("conditions", weight=2.0)
def sonar_rule(world: World) -> Task | None:
    """Do something if an obstacle is near; in the simulated world none is."""
    metres = world.random.choice(list(_METRES))
    return _rule(
        world,
        "sonar",
        ['ALSonar.subscribe("Sonar")'],
        f"min(ALSonar.getFilteredValues()) < {metres}",
        holds=False,
        slots={"near": world.say(*_METRES[metres])},
    )


@skill("conditions", weight=1.5)
def touch_rule(world: World) -> Task | None:
    """Do something if it is touched; in the simulated world it is not."""
    key = world.random.choice(list(TOUCH))
    test = f'ALMemory.getData("{key}") > 0.5'
    return _rule(world, "touch", [], test, holds=False, slots={"place": world.one_of(*TOUCH[key])})


@skill("conditions", weight=2.0)
def posture_rule(world: World) -> Task | None:
    """Change or keep the posture, as it is."""
    if world.posture == "Crouching":
        return None
    asked, to, family = world.random.choice([("Sitting", "Stand", "Standing"), ("Standing", "Sit", "Sitting")])
    holds = world.posture == asked
    lines = [
        f'if ALRobotPosture.getPostureFamily() == "{asked}":',
        f'    ALRobotPosture.goToPosture("{to}", 0.5)',
    ]
    other = None
    if world.random.random() < 0.4:
        other = _branch(world, "else")
        if other is None:
            return None
        lines += ["else:", *other.body]
    taken = other.task if other is not None and not holds else None
    return Task(
        [Step(f"{'stand up' if to == 'Stand' else 'sit down'} if {asked.lower()}", lines)],
        {"otherwise": other.text if other else ""},
        must=[{"reads": "posture"}, *([{"posture": family}] if holds else []), *(taken.must if taken else [])],
        at_end=taken.at_end if taken else (),
        moved=taken.moved if taken else STILL,
        leaves=family if holds else "",
        variant=f"{asked.lower()}_{'else' if other else 'only'}",
        said=[other.pattern] if other else [],
        last=True,
        tags=["condition", "posture"],
    )


@skill("conditions", weight=3.0)
def see_rule(world: World) -> Task | None:
    """Do something with a thing or a person if it is there, else something else."""
    name, there, person = _something(world)
    does = world.random.choice(["point", "look", "borrowed", "borrowed"])
    done = None
    if does == "borrowed":
        done = borrow(world, _simple)
        if done is None:
            return None
    cannot = world.say(f"I don't see {_article(name, person)}.", f"我没看到{name}。")
    other = borrow(world, _simple, [done.skill.name] if done else []) if world.random.random() < 0.3 else None
    variant = f"{does}_{'else' if other else 'say'}"
    slots = {
        "thing": world.say(_article(name, person), name),
        "then": done.text if done else "",
        "otherwise": other.text if other else "",
    }
    said = [one.pattern for one in (done, other) if one is not None]
    if there:
        task = done.task if done else _at(world, name, does)
    else:
        sentence = Step("say that it is not there", [f'ALTextToSpeech.say("{cannot}")'])
        task = other.task if other else Task([sentence], must=[{"says": {"all": [cannot]}}])
    return Task(
        task.steps,
        slots,
        must=task.must,
        must_not=task.must_not,
        at_end=task.at_end,
        moved=task.moved,
        leaves=task.leaves,
        variant=variant,
        said=said,
        last=True,
        tags=["condition", "scene"],
    )


@skill("conditions", weight=1.5)
def see_whether(world: World) -> Task:
    """Say whether something is there."""
    name, there, person = _something(world)
    spoken = world.say(f"Yes, I see {_article(name, person)}.", f"有，我看到{name}了。")
    if not there:
        spoken = world.say(f"No, I don't see {_article(name, person)}.", f"没有，我没看到{name}。")
    return Task(
        [Step("say whether it is there", [f'ALTextToSpeech.say("{spoken}")'])],
        {"thing": world.say(_article(name, person), name)},
        must=[{"says": {"all": [spoken]}}],
        outcome="words",
        tags=["scene", "words"],
    )


def _rule(
    world: World,
    sense: str,
    before: Sequence[str],
    test: str,
    *,
    holds: bool,
    slots: dict[str, str],
    way: str = "",
) -> Task | None:
    """``if test:`` one thing, and for half of them ``else:`` another."""
    fits = (sense, "else") if way != "high" else ("else", sense)
    then = _branch(world, fits[0])
    other = _branch(world, fits[1], then) if world.random.random() < 0.55 else None
    if then is None:
        return None
    lines = [*before, f"if {test}:", *then.body, *(["else:", *other.body] if other else [])]
    branch = then if holds else other
    taken = branch.task if branch is not None else Task([])
    branches = [one for one in (then, other) if one is not None]
    return Task(
        [Step(f"{then.task.steps[0].goal} {_WHEN[way or sense]}", lines)],
        {**slots, "then": then.text, "otherwise": other.text if other else ""},
        must=[{"reads": sense}, *taken.must],
        at_end=taken.at_end,
        moved=taken.moved,
        leaves=taken.leaves,
        variant="_".join(filter(None, [way, "both" if other else "one"])),
        said=[one.pattern for one in branches if one.pattern],
        last=True,
        tags=["condition", sense],
    )


def _branch(world: World, sense: str, beside: Borrowed | None = None) -> Borrowed | None:
    """Something to do in a branch: half of the time a sentence that fits, else a task of another skill."""
    if world.random.random() < 0.5:
        told, spoken = world.random.choice(books()[f"saying.{sense}.{world.language}.pairs"]).text.split("=")
        step = Step("say it", [f'ALTextToSpeech.say("{spoken}")'])
        task = Task([step], must=[{"says": {"all": [spoken]}}])
        return Borrowed(_SPOKEN, task, told, "")
    return borrow(world, _simple, [beside.skill.name] if beside else [])


def _simple(_: Skill, task: Task) -> bool:
    """Whether a task fits into a branch: one step of a few plain lines that says nothing of the scene."""
    lines = [line for step in task.steps for line in step.lines]
    plain = not any(line.startswith(("if ", "for ")) or "scene." in line for line in lines)
    return len(task.steps) == 1 and len(lines) <= 3 and plain


def _something(world: World) -> tuple[str, bool, bool]:
    """A name, whether it is in the scene, and whether it is a person's."""
    here = [*((name, False) for name in world.objects), *((name, True) for name in world.people)]
    if here and world.random.random() < 0.55:
        name, person = world.random.choice(here)
        return name, True, person
    person = world.random.random() < 0.2
    names = PEOPLE if person else THINGS
    known = {*world.objects, *world.people}
    free = [world.say(en, zh) for en, zh in names.items() if not any(_alike(world.say(en, zh), one) for one in known)]
    return world.random.choice(free), False, person


def _alike(name: str, other: str) -> bool:
    """Whether two names may be taken for each other, as ball and red ball."""
    return name in other or other in name


def _article(name: str, person: bool) -> str:
    if person:
        return name if name[0].isupper() else f"the {name}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _at(world: World, name: str, does: str) -> Task:
    """Point or look at a thing of the scene."""
    place = f'x, y, z = scene.position("{name}")'
    if does == "look":
        step = Step("look at it", [place, "ALTracker.lookAt([x, y, z], 2, 0.3, False)"], target=name)
        return Task([step], must=[{"looks_at": {"target": name, "within": 15}}])
    y = {**world.objects, **world.people}[name][1]
    arm = "LArm" if y >= 0 else "RArm"
    step = Step("point at it", [place, f'ALTracker.pointAt("{arm}", [x, y, z], 2, 0.3)'], target=name)
    return Task(
        [step],
        must=[{"points_at": {"target": name, "arm": "either", "within": 20}}],
        must_not=[{"moves": "walk"}],
    )


_SPOKEN = Skill("spoken", "conditions", lambda _: None, 0.0, "", False, 0.0)
