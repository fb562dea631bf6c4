"""A page of documentation for each robot, made from its catalogue.

python -m services.behavior.document        writes docs/robots/NAME.md for every robot
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from services.behavior.arguments import Argument, BoolArgument, EnumArgument, JointArgument, NumberArgument
from services.behavior.catalogue import Catalogue, load_catalogue, robots
from services.behavior.methods import Call, Control, Method, State, Takes
from services.behavior.names import Enum

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "robots"
_HEAD = """\
<!-- Made from services/behavior/catalogues/{name}.toml by `python -m services.behavior.document`; change that file. -->
# {title} (`{name}`)

{doc} This page lists everything that a behaviour program may call on it, and within which limits; whatever is not here
is refused. Lengths are metres, angles radians, times seconds. Arguments are given by position."""


def document(catalogue: Catalogue) -> str:
    """The page of one robot, in Markdown."""
    parts = [_HEAD.format(name=catalogue.name, title=catalogue.title, doc=catalogue.doc)]
    for name, service in catalogue.services.items():
        rows = [_row(method) for method in service.methods]
        parts.append(
            f"## {name}\n\n{service.doc}\n\n{_table(('call', 'what it does', 'effect', 'takes at most'), rows)}"
        )
    if catalogue.enums:
        names = _table(("name", "values", "is"), (_names(name, enum) for name, enum in catalogue.enums.items()))
        parts.append("## Names\n\n`{A,B}` stands for A or B, `{1..3}` for 1, 2 or 3.\n\n" + names)
    if catalogue.joints:
        parts.append("\n\n".join(_body(catalogue)))
    parts.append("## Limits of a program\n\n" + _table(("what", "limit"), _limits(catalogue)))
    denied = _table(("call", "because"), ((_code(call), reason) for call, reason in catalogue.deny.items()))
    parts.append("## Never called\n\nWhoever asks; nor is anything whose name begins with `_`.\n\n" + denied)
    parts.append(
        "## What the robot gateway calls itself\n\n" + _table(("what for", "call"), _control(catalogue.control))
    )
    examples = [
        f"> {example.instruction}\n\n```python\n{example.program.strip()}\n```" for example in catalogue.examples
    ]
    parts.append("## Examples that the model is shown\n\n" + "\n\n".join(examples))
    return "\n\n".join(parts) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _limits(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """What one program may do at most, and where the robot may walk."""
    budget, base = catalogue.budget, catalogue.base
    yield "calls", f"{budget.calls}"
    yield "time, by the longest that calls take", f"{budget.seconds:g} s"
    yield "way over the ground", f"{budget.metres:g} m"
    if base is not None:
        yield "nearest to a thing, middle to middle", f"{base.from_things:g} m"
        yield "nearest to a person", f"{base.from_people:g} m"
        yield "things higher than this are not in the way", f"{base.overhead:g} m"
        yield "charge with which it may set off", f"{base.least_battery} %"


def _row(method: Method) -> tuple[str, str, str, str]:
    arguments = ", ".join(argument.name for argument in method.args)
    many = "list of " if method.values and method.returns.startswith("list") else ""
    returns = "" if method.returns == "none" else f" → {many}{_code(method.values or method.returns)}"
    details = [f"{_code(argument.name)}: {what}" for argument in method.args if (what := _argument(argument))]
    said = " ".join(f"{sentence}." for sentence in (method.doc.rstrip("."), *details, *_states(method)) if sentence)
    return f"`{method.name}({arguments})`{returns}", said, method.effect, _takes(method)


def _code(text: str) -> str:
    return f"`{text}`"


def _argument(argument: Argument) -> str:
    match argument:
        case EnumArgument():
            return f"a name of {_code(argument.values)}"
        case JointArgument():
            return "a joint or a chain of joints" + (", or a list of joints" if argument.shape != "one" else "")
        case BoolArgument():
            return (
                "`True` or `False`" if argument.only is None else f"only `{argument.only}`, because {argument.because}"
            )
        case NumberArgument() if argument.joints is not None:
            return f"within the limits of the joints that `{argument.joints}` names, one for each"
        case NumberArgument():
            many = {"one": "", "triple": "three numbers, each "}.get(argument.shape, "one or a list, each ")
            whole = "a whole number, " if argument.type == "int" else ""
            return (
                f"{many}{whole}{argument.min:.10g} to {argument.max:.10g} {argument.unit}".rstrip()
                + " or 0" * argument.or_zero
            )
    pattern = f" that match `{argument.pattern}`" if argument.pattern else ""
    return f"{'texts' if argument.shape == 'list' else 'a text'} of at most {argument.max_length} characters{pattern}"


def _states(method: Method) -> Iterator[str]:
    for words, state in (("Needs", method.needs), ("Leads to", method.leads_to)):
        if told := _state(state):
            yield f"{words} {told}"
    for argument in method.args:
        if isinstance(argument, EnumArgument) and argument.family is not None:
            verb = "Needs" if argument.family == "needs" else "Leads to"
            yield f"{verb} the posture family of {_code(argument.name)}"


def _state(state: State) -> str:
    motors = {None: [], True: ["motors on"], False: ["motors off"]}[state.motors]
    return " and ".join([*motors, *([f"a {state.family} robot"] if state.family else [])])


def _takes(method: Method) -> str:
    takes = method.takes
    if takes.until_stopped:
        return "until stopped"
    parts = list(_seconds(takes))
    if any(isinstance(argument, NumberArgument) and argument.axis for argument in method.args):
        parts.append("the way")
    if any(isinstance(argument, NumberArgument) and argument.joints for argument in method.args) and not takes.argument:
        parts.append("the joints' way")
    if takes.metres:
        parts.append(f"{takes.metres:g} m")
    return " + ".join(parts) + ("" if method.blocking or not parts else ", beside the rest")


def _seconds(takes: Takes) -> Iterator[str]:
    if takes.seconds:
        yield f"{takes.seconds:g} s" + (f" / `{takes.fraction}`" if takes.fraction else "")
    if takes.argument:
        yield _code(takes.argument)
    if takes.per_character:
        yield f"{takes.per_character:g} s a character"


def _names(name: str, enum: Enum) -> tuple[str, str, str]:
    families = ", ".join(f"{begin}… is {family}" for begin, family in enum.families.items())
    return _code(name), ", ".join(map(_code, enum.written)), enum.doc + (f" {families}." if families else "")


def _body(catalogue: Catalogue) -> Iterator[str]:
    yield "## Joints"
    rows = [
        (_code(name), f"{joint.min:g} … {joint.max:g}", f"{joint.max_velocity:g}", "yes" if joint.carries else "")
        for name, joint in catalogue.joints.items()
    ]
    yield _table(("joint", "limits", "top speed, per second", "the robot stands on it"), rows)
    if catalogue.chains:
        chains = [(_code(name), ", ".join(joints)) for name, joints in catalogue.chains.items()]
        yield _table(("chain", "its joints in order"), chains)
    for coupling in catalogue.couplings:
        yield f"{coupling.joint} is narrower the further {coupling.by} is from 0 (linear between the rows):"
        points = [(f"{at:g}", f"{low:g} … {high:g}") for at, low, high in coupling.points]
        yield _table((f"|{coupling.by}|", coupling.joint), points)


def _control(control: Control) -> Iterator[tuple[str, str]]:
    for name, field in Control.model_fields.items():
        given = getattr(control, name)
        calls = given if isinstance(given, list) else [given] if given else []
        if calls:
            yield " ".join((field.description or "").split()), ", ".join(map(_call, calls))


def _call(call: Call) -> str:
    return f"`{call.service}.{call.method}({', '.join(map(repr, call.args))})`"


def main() -> None:
    """Write the page of every robot."""
    FOLDER.mkdir(exist_ok=True)
    for name in robots():
        FOLDER.joinpath(f"{name}.md").write_text(document(load_catalogue(name)), "utf-8")


if __name__ == "__main__":
    main()
