"""Questions and small talk that are answered in words alone. The phrase books ``answers_*`` say what."""

from __future__ import annotations

from services.training.dataset.phrases import books, patterns, variants
from services.training.dataset.task import Step, Task, World, skill


@skill("answers", weight=0.5, share=0.05)
def answer(world: World) -> Task:
    """Answer a question, or say something fitting."""
    kind = world.random.choice(variants("answer"))
    spoken = world.random.choice(patterns("answer", kind, world.language, "spoken")).text
    return _words(kind, spoken, "answer in words")


@skill("answers", weight=0.3, share=0.012)
def arithmetic(world: World) -> Task:
    """Work out a sum with small numbers."""
    rng = world.random
    operation = rng.choice(["plus", "minus", "times", "divided"])
    a, b = rng.randint(1, 20), rng.randint(1, 12)
    match operation:
        case "plus":
            result, sign = a + b, "plus"
        case "minus":
            a, b = max(a, b), min(a, b)
            result, sign = a - b, "minus"
        case "times":
            a = rng.randint(1, 12)
            result, sign = a * b, "times"
        case _:
            a, result, sign = a * b, a, "divided by"
    chinese = {"plus": "加", "minus": "减", "times": "乘", "divided": "除以"}[operation]
    spoken = world.say(f"{a} {sign} {b} is {result}.", f"{a}{chinese}{b}等于{result}。")
    symbol = rng.choice({"plus": ["+"], "minus": ["-"], "times": ["x", "*", "×"], "divided": ["/", "÷"]}[operation])
    slots = {"a": str(a), "b": str(b), "symbol": symbol, "sign": world.say(sign, chinese)}
    return _words("", spoken, "answer the sum", slots, {"says": {"any": [str(result)]}})


@skill("answers", weight=0.2, share=0.004)
def capital(world: World) -> Task:
    """Name the capital of a country."""
    country = world.random.choice(variants("country"))
    name, city = (text.text for text in books()[f"country.{country}.{world.language}"])
    spoken = world.say(f"The capital of {name} is {city}.", f"{name}的首都是{city}。")
    return _words("", spoken, "name the capital", {"country": name}, {"says": {"any": [city]}})


@skill("answers", weight=0.3, share=0.01)
def answer_fact(world: World) -> Task:
    """Answer what is always so: colours, animals, days, opposites, numbers."""
    kind = world.random.choice(variants("answer_fact"))
    about, said = world.random.choice(books()[f"answer_fact.{kind}.{world.language}.pairs"]).text.split("=")
    (sentence,) = books()[f"answer_fact.{kind}.{world.language}.sentence"]
    spoken = sentence.realise(world.random, {"about": about, "said": said})
    spoken = spoken[0].upper() + spoken[1:]
    return _words(kind, spoken, "answer in words", {"about": about}, {"says": {"any": [said]}})


def _words(
    variant: str,
    spoken: str,
    goal: str,
    slots: dict[str, str] | None = None,
    shown: dict[str, dict[str, list[str]]] | None = None,
) -> Task:
    """A task that is a single sentence."""
    return Task(
        [Step(goal, [f'ALTextToSpeech.say("{spoken}")'])],
        slots or {},
        must=[shown or {"says": {"all": [spoken]}}],
        outcome="words",
        variant=variant,
        tags=["words"],
    )
