"""Talk among people: introductions, praise and comfort for a reason, messages, reminders, warnings."""

from __future__ import annotations

from services.training.dataset.phrases import Pattern, books
from services.training.dataset.sayings import capital, indirect, line, names, said, somebody, speech, to_all
from services.training.dataset.task import Step, Task, World, skill

#: People without a name: how others call them, and their pronoun.
_STRANGERS = (
    ("the boy", "那个男孩", "he", "他"),
    ("the girl", "那个女孩", "she", "她"),
    ("the lady", "那位女士", "she", "她"),
    ("the old man", "那位老先生", "he", "他"),
    ("my sister", "我妹妹", "she", "她"),
    ("my colleague", "我同事", "he", "他"),
    ("the nurse", "护士", "she", "她"),
    ("the teacher", "老师", "she", "她"),
    ("the little one", "小家伙", "he", "他"),
    ("the man by the door", "门口那位先生", "he", "他"),
    ("my grandson", "我孙子", "he", "他"),
    ("our guest", "客人", "she", "她"),
)
_EACH_OTHER = ("{one}, this is {other}. {other}, this is {one}.", "{one}，这位是{other}。{other}，这位是{one}。")
_PRONOUNS = {
    "he": {"he": "he", "his": "his", "him": "him", "is": "is", "has": "has", "s": "s"},
    "she": {"he": "she", "his": "her", "him": "her", "is": "is", "has": "has", "s": "s"},
}


@skill("manners", weight=1.4)
def introduce_people(world: World) -> Task:
    """Make two people known to each other, perhaps with what one of them does."""
    one, other = world.random.sample(names(world.language), 2)
    slots = {"one": one, "other": other}
    if world.random.random() < 0.5:
        role, role_zh = world.random.choice(books()["introduce_people.roles"]).text.split("=")
        slots["role"] = world.say(role, role_zh)
        text = world.say(f"{other}, this is {one}. {one} is {role}.", f"{other}，这位是{one}，是{role_zh}。")
        return speech("introduce them", text, slots, variant="role")
    text = world.say(
        f"{one}, this is {other}. {other}, this is {one}.", f"{one}，这位是{other}。{other}，这位是{one}。"
    )
    return speech("introduce them", text, slots)


def _for_a_reason(world: World, book: str, goal: str) -> Task:
    """What the book has for a reason: as it is told, with {who}, and as the robot says it to them."""
    who, address, pronouns = somebody(world)
    told = Pattern("", world.random.choice(books()[f"{book}.{world.language}.reasons"]).text).realise(
        world.random, {**pronouns, "who": who}
    )
    reason, spoken = told.split("=")
    text = to_all(spoken, pronouns)
    joined = f"{capital(address)}, {text}." if world.language == "en" else f"{address}，{text}。"
    return speech(goal, joined, {"who": who, "reason": reason, **{name: pronouns[name] for name in ("he",)}})


@skill("manners", weight=1.4)
def praise_for(world: World) -> Task:
    """Praise somebody for something."""
    return _for_a_reason(world, "praise_for", "praise")


@skill("manners", weight=1.5)
def comfort_about(world: World) -> Task:
    """Comfort somebody who has a reason to be sad or afraid."""
    return _for_a_reason(world, "comfort_about", "comfort")


@skill("manners", weight=1.2)
def congratulate_on(world: World) -> Task:
    """Congratulate somebody on something."""
    return _for_a_reason(world, "congratulate_on", "congratulate")


@skill("speech", weight=1.4)
def remind(world: World) -> Task:
    """Remind somebody of what they are to do."""
    who, address, pronouns = somebody(world)
    what, text = indirect(world, "bidden", pronouns)
    spoken = world.say(f"{capital(address)}, don't forget to {text}.", f"{address}，别忘了{text}。")
    return speech("remind them", spoken, {"who": who, "what": what})


@skill("speech", weight=1.5)
def bid_stranger(world: World) -> Task:
    """Pass on to somebody without a name what they should do."""
    en, zh, pronoun, pronoun_zh = world.random.choice(_STRANGERS)
    pronouns = _PRONOUNS[pronoun] if world.language == "en" else {"he": pronoun_zh}
    what, text = indirect(world, "bidden", pronouns)
    spoken = world.say(f"Please {text}.", f"请{text}。")
    return speech("pass on the request", spoken, {"who": world.say(en, zh), "he": pronouns["he"], "what": what})


@skill("speech", weight=2.0)
def pass_on(world: World) -> Task:
    """Tell somebody what somebody else says, in reported speech."""
    who, address, pronouns = somebody(world)
    sender = world.random.choice([name for name in names(world.language) if name != who])
    what, text = indirect(world, "told", pronouns)
    spoken = world.say(f"{capital(address)}, {sender} says that {text}.", f"{address}，{sender}说{text}。")
    return speech("pass on the message", spoken, {"who": who, "sender": sender, "what": what})


@skill("speech", weight=1.4)
def warn(world: World) -> Task:
    """Warn somebody of something harmless that is in the way."""
    danger, spoken = world.random.choice(books()[f"warn.{world.language}.of"]).text.split("=")
    if world.random.random() < 0.5:
        return speech("warn them", capital(spoken) + world.say("!", "！"), {"danger": danger}, variant="all")
    who, address, _ = somebody(world)
    text = world.say(f"{capital(address)}, {spoken}!", f"{address}，{spoken}！")
    return speech("warn them", text, {"who": who, "danger": danger}, variant="one")


@skill("speech", weight=1.0)
def two_messages(world: World) -> Task | None:
    """Say one thing to one person and another to another."""
    first, second = somebody(world), somebody(world)
    if first[0] == second[0]:
        return None
    slots: dict[str, str] = {}
    steps, must = [], []
    for number, (who, address, pronouns) in enumerate((first, second), start=1):
        what, text = indirect(world, "told", pronouns)
        spoken = world.say(f"{capital(address)}, {text}.", f"{address}，{text}。")
        slots |= {f"who{number}": who, f"what{number}": what}
        steps.append(Step("tell it", [line(spoken)]))
        must.append(said(spoken))
    return Task(steps, slots, must=must, event=must[0], tags=["speech"])
