"""What is said in a lesson: times tables, counting by steps, sums of more than two numbers, things of a kind, lists."""

from __future__ import annotations

from services.training.dataset.phrases import books
from services.training.dataset.sayings import capital, line, said, speech
from services.training.dataset.skills.measures import chinese, english
from services.training.dataset.task import Step, Task, World, skill

_TABLE_EN = 5  # lines of a table in one breath
_DIGITS = "零一二三四五六七八九"
_COUNTED = {
    2: ("two", "两个"), 3: ("three", "三个"), 4: ("four", "四个"), 5: ("five", "五个"),
}  # fmt: skip


@skill("reciting", weight=1.2)
def times_table(world: World) -> Task:
    """The table of a number: in English up to five or ten times it, in Chinese the row of the rhyme."""
    number = world.random.randrange(2, 10)
    slots = {"a": world.one_of([english(number), str(number)], [_DIGITS[number], str(number)])}
    if world.language == "zh":
        text = "，".join(f"{_DIGITS[n]}{_DIGITS[number]}{_product(n * number)}" for n in range(1, number + 1)) + "。"
        return speech(f"say the {number} times table", text, slots)
    lines = [f"{n} times {number} is {n * number}" for n in range(1, 2 * _TABLE_EN + 1)]
    texts = [", ".join(lines[at : at + _TABLE_EN]) + "." for at in (0, _TABLE_EN)]
    must = [said(text) for text in texts]
    step = Step(f"say the {number} times table", [line(text) for text in texts])
    return Task([step], slots, must=must, event=must[0], tags=["speech"])


def _product(number: int) -> str:
    """A product as the rhyme has it: 得六, 十二, 二十."""
    return f"得{_DIGITS[number]}" if number < 10 else chinese(number)


@skill("reciting", weight=1.4)
def count_by(world: World) -> Task:
    """Count by twos, threes, fives and so on, up or down."""
    rng = world.random
    by = rng.choice([2, 2, 3, 4, 5, 5, 10, 20, 25, 50, 100])
    many = rng.randrange(4, 11 if by < 20 else 6)
    down = by < 20 and rng.random() < 0.3
    numbers = [by * n for n in range(1, many + 1)]
    if down:
        numbers.reverse()
    text = world.say(", ".join(map(str, numbers)) + ".", "，".join(map(str, numbers)) + "。")
    plural = {2: "twos", 3: "threes", 4: "fours", 5: "fives", 10: "tens", 20: "twenties", 25: "twenty-fives"}
    slots = {
        "by": world.say(plural.get(by, "fifties" if by == 50 else "hundreds"), str(by)),
        "step": str(by),
        "a": str(numbers[0]),
        "b": str(numbers[-1]),
    }
    return speech(f"count by {by}", text, slots, variant="down" if down else "up")


@skill("reciting", weight=1.2)
def sum_aloud(world: World) -> Task:
    """Add three numbers, double or halve one, or take one from another, and say the result in a sentence."""
    rng = world.random
    kind = rng.choice(["three", "double", "half", "take"])
    a, b, c = rng.randint(2, 12), rng.randint(2, 9), rng.randint(1, 6)
    match kind:
        case "three":
            result = a + b + c
            text = world.say(f"{a} plus {b} plus {c} is {result}.", f"{a}加{b}加{c}等于{result}。")
        case "double":
            result = 2 * a
            text = world.say(f"Twice {a} is {result}.", f"{a}的两倍是{result}。")
        case "half":
            a *= 2
            result = a // 2
            text = world.say(f"Half of {a} is {result}.", f"{a}的一半是{result}。")
        case _:
            a += b
            result = a - b
            text = world.say(f"{a} minus {b} is {result}.", f"{a}减{b}等于{result}。")
    slots = {"a": str(a), "b": str(b), "c": str(c)}
    return speech("say the result", text, slots, variant=kind)


@skill("reciting", weight=1.5)
def name_some(world: World) -> Task:
    """Name some animals, colours, fruits and so on: the first of a list that everybody knows."""
    kinds = books()[f"name_some.{world.language}.kinds"]
    called, listed = world.random.choice(kinds).text.split("=")
    number = world.random.choice(list(_COUNTED))
    names = listed.split("/")[:number]
    text = world.say(capital(", ".join(names)) + ".", "，".join(names) + "。")
    word = _COUNTED[number]
    slots = {"n": world.one_of([word[0], str(number)], [word[1], f"{number}个"]), "kind": called}
    task = speech(f"name {number} {called if world.language == 'en' else 'things'}", text, slots)
    return Task(task.steps, slots, must=[{"says": {"all": names}}], event=task.event, tags=["speech"])


@skill("reciting", weight=1.2)
def list_more(world: World) -> Task:
    """Say a list that everybody knows, such as the continents."""
    what, text = world.random.choice(books()[f"list_more.{world.language}.lists"]).text.split("=")
    return speech("say the list", text, {"what": what})
