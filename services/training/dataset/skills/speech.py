"""Saying what one is told to say, to everybody or to somebody."""

from __future__ import annotations

from services.training.dataset.sayings import (
    capital,
    indirect,
    line,
    news,
    plain,
    quoted,
    said,
    sentence,
    simple,
    somebody,
    speech,
)
from services.training.dataset.task import Step, Task, World, skill

_TIMES = {
    2: (("twice", "two times", "2 times", "2x"), ("两遍", "两次", "2遍")),
    3: (("three times", "3 times", "thrice", "3x"), ("三遍", "三次", "3次")),
    4: (("four times", "4 times"), ("四遍", "四次", "4遍")),
    5: (("five times", "5 times"), ("五遍", "五次", "5次")),
    6: (("six times", "6 times"), ("六遍", "6次")),
    10: (("ten times", "10 times"), ("十遍", "十次", "10次")),
}
# How something is said: the call before it.
_MANNERS = {
    "loud": ("speak loudly", "ALTextToSpeech.setVolume(0.9)", {"volume": [0.8, 1.0]}),
    "quiet": ("speak quietly", "ALTextToSpeech.setVolume(0.3)", {"volume": [0.0, 0.4]}),
    "slow": ("speak slowly", 'ALTextToSpeech.setParameter("speed", 70)', {"speed": [50, 90]}),
    "fast": ("speak fast", 'ALTextToSpeech.setParameter("speed", 150)', {"speed": [110, 400]}),
    "high": ("use a high voice", 'ALTextToSpeech.setParameter("pitchShift", 1.3)', {"pitch": [1.05, 4.0]}),
}


@skill("speech", weight=22.0)
def say(world: World) -> Task:
    """Say a text that is given, with quotes or without."""
    text = sentence(world)
    variant = "plain" if simple(text, world.language) and world.random.random() < 0.6 else "quoted"
    slots = {"text": text, "plain": plain(text, world.language), "quoted": quoted(world, text)}
    return speech("say it", text, slots, variant=variant)


@skill("speech")
def say_times(world: World) -> Task | None:
    """Say a text several times."""
    text = sentence(world)
    if not simple(text, world.language):
        return None
    count = world.random.choice(list(_TIMES))
    shown = {"times": {"of": said(text), "count": [count, count]}}
    what = _within(world, text)
    step = Step("say it again and again", [f"for i in range({count}):", "    " + line(text)])
    slots = {"what": what, "times": world.one_of(*_TIMES[count])}
    return Task([step], slots, must=[shown], event=said(text), tags=["speech", "repetition"])


@skill("speech", weight=1.5)
def say_how(world: World) -> Task | None:
    """Say a text loudly, slowly and so on."""
    text = sentence(world)
    if not simple(text, world.language):
        return None
    manner = world.random.choice(list(_MANNERS))
    goal, call, heard = _MANNERS[manner]
    what = _within(world, text)
    steps = [Step(goal, [call]), Step("say it", [line(text)])]
    must = [said(text), {"voice": heard}]
    return Task(steps, {"what": what}, must=must, event=said(text), variant=manner, tags=["speech", "voice"])


@skill("speech", weight=2.0)
def say_that(world: World) -> Task:
    """Say something of the robot itself, or some news, that was given in indirect speech."""
    if world.random.random() < 0.75:
        what, text = indirect(world, "self", {})
    else:
        what = text = news(world)
    return speech("say it", capital(text) + world.say(".", "。"), {"what": what})


@skill("speech", weight=3.0)
def tell(world: World) -> Task:
    """Tell somebody something that was given in indirect speech."""
    who, address, pronouns = somebody(world)
    what, text = indirect(world, "told", pronouns)
    return speech("tell it", _addressed(world, address, text, "."), {"who": who, "what": what})


@skill("speech", weight=2.0)
def bid(world: World) -> Task:
    """Ask somebody to do something."""
    who, address, pronouns = somebody(world)
    what, text = indirect(world, "bidden", pronouns)
    text = _addressed(world, address, world.say("please ", "请") + text, ".")
    return speech("pass on the request", text, {"who": who, "what": what})


@skill("speech", weight=1.5)
def ask_somebody(world: World) -> Task:
    """Ask somebody a question that was given in indirect speech."""
    who, address, pronouns = somebody(world)
    what, text = indirect(world, "asked", pronouns)
    return speech("ask the question", _addressed(world, address, text, "?"), {"who": who, "what": what})


@skill("speech", weight=1.5)
def announce(world: World) -> Task:
    """Announce some news."""
    what = news(world)
    text = world.say(f"Attention, please! {capital(what)}.", f"请注意！{what}。")
    slots = {"what": what, "quoted": quoted(world, capital(what))}
    return Task(
        [Step("announce it", [line(text)])], slots, must=[said(what)], event=said(what), tags=["speech", "announcement"]
    )


def _within(world: World, text: str) -> str:
    """A text in the middle of a phrase: in quotes, unless it is easily told from the words around it."""
    short = len(text.split()) <= 4 if world.language == "en" else len(text) <= 6
    if short and text[-1] not in "?？" and world.random.random() < 0.6:
        return plain(text, world.language)
    return quoted(world, text)


def _addressed(world: World, address: str, text: str, mark: str) -> str:
    """A sentence that begins with whom it is for."""
    if world.language == "zh":
        return f"{address}，{text}{'？' if mark == '?' else '。'}"
    return f"{capital(address)}, {text}{mark}"
