"""Waiting: between two things, before one, and with something held meanwhile."""

from __future__ import annotations

from services.training.dataset.borrow import Borrowed, borrow
from services.training.dataset.task import Predicate, Skill, Step, Task, World, skill

_CALL = "time.sleep"
#: Seconds, and how people say so: in digits, in words, loosely.
_TIMES: dict[float, tuple[tuple[str, ...], tuple[str, ...]]] = {
    0.5: (("half a second",), ("半秒", "半秒钟")),
    1.0: (("1 second", "one second", "a second", "1 sec", "1s"), ("1秒", "一秒", "一秒钟")),
    2.0: (
        ("2 seconds", "two seconds", "2 sec", "2s", "a moment", "a bit", "a couple of seconds"),
        ("2秒", "两秒", "两秒钟", "一会儿", "一下", "片刻"),
    ),
    3.0: (("3 seconds", "three seconds", "3 secs", "3s", "a few seconds"), ("3秒", "三秒", "三秒钟", "几秒", "几秒钟")),
    4.0: (("4 seconds", "four seconds"), ("4秒", "四秒钟")),
    5.0: (("5 seconds", "five seconds", "5 sec", "5s"), ("5秒", "五秒", "五秒钟")),
    6.0: (("6 seconds", "six seconds"), ("6秒", "六秒钟")),
    7.0: (("7 seconds", "seven seconds"), ("7秒", "七秒钟")),
    8.0: (("8 seconds", "eight seconds"), ("8秒", "八秒钟")),
    10.0: (("10 seconds", "ten seconds", "10s"), ("10秒", "十秒", "十秒钟")),
    12.0: (("12 seconds", "twelve seconds"), ("12秒", "十二秒")),
    15.0: (("15 seconds", "fifteen seconds", "a quarter of a minute"), ("15秒", "十五秒")),
    20.0: (("20 seconds", "twenty seconds"), ("20秒", "二十秒")),
    25.0: (("25 seconds",), ("25秒",)),
    30.0: (("30 seconds", "thirty seconds", "half a minute"), ("30秒", "三十秒", "半分钟")),
    60.0: (("1 minute", "one minute", "a minute", "60 seconds"), ("1分钟", "一分钟", "60秒")),
}
_WEIGHTS = [1, 3, 5, 5, 2, 5, 1, 1, 1, 4, 1, 1, 2, 1, 2, 1]
_LONGEST = 30.0


@skill("waiting", weight=3.0)
def pause(world: World) -> Task:
    """Wait for a time."""
    lines, words, shown = _wait(world)
    return Task([Step("wait", lines)], {"time": words}, must=[shown], event=shown, tags=["waiting"])


@skill("waiting", weight=2.0)
def delayed(world: World) -> Task | None:
    """Do something in a while."""
    other = borrow(world, _simple, ["pause", "delayed"])
    if other is None:
        return None
    lines, words, shown = _wait(world)
    return _with(world, other, [Step("wait", lines), *other.task.steps], words, [shown])


def _with(world: World, other: Borrowed, steps: list[Step], words: str, shown: list[Predicate]) -> Task:
    task = other.task
    return Task(
        steps,
        {"time": words, "then": other.text},
        must=[*shown, *task.must],
        at_end=task.at_end,
        event=task.event,
        must_not=task.must_not,
        moved=task.moved,
        leaves=task.leaves,
        last=True,
        said=[other.pattern],
        tags=["waiting", *task.tags],
    )


def _wait(world: World) -> tuple[list[str], str, Predicate]:
    seconds = world.random.choices(list(_TIMES), _WEIGHTS)[0]
    times = 1 if seconds <= _LONGEST else round(seconds / _LONGEST)
    lines = [f"{_CALL}({seconds / times:.1f})"] * times
    return lines, world.one_of(*_TIMES[seconds]), {"calls": {"method": _CALL, "times": [times, None]}}


def _simple(_: Skill, task: Task) -> bool:
    return not task.last
