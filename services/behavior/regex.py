"""The grammar of programs as one regular expression, for engines that take no grammar (Text Generation Inference).

It is made from the rules of the GBNF by writing each in the place of its name, and is wider: every program of the GBNF
matches. Services, methods, the number and the kinds of arguments and the values of enums are held to. What takes
counting (steps, statements, lengths, where the range of a number ends), the order of blocks, and which names are set or
in the scene is left to the checks: an engine turns the expression into a table of states, and all of these multiply
them. That takes it seconds, in which it answers nobody, so there is one expression for a robot, whatever the scene.

The notation is what Python's ``re``, Rust's ``regex`` and the ``interegular`` of Outlines understand alike.
"""

from __future__ import annotations

import re
from functools import lru_cache

from services.behavior.catalogue import Catalogue
from services.behavior.grammar_arguments import CONTROL, MARKS, SPACES, TARGET, WITH_FRONT
from services.behavior.grammar_calls import every_call
from services.behavior.grammar_shown import MAX_STEPS

#: The name of a thing, in quotes: which thing makes no difference.
_NAME = r'"\"" [^\n"\\]+ "\""'
#: What a GBNF writes for a character.
_CHARACTER = r"\\x[0-9A-F]{2}|\\u[0-9A-F]{4}|\\.|[^\\]"
_CHARACTERS = re.compile(_CHARACTER)
_SPANS = re.compile(rf"({_CHARACTER})(?:-({_CHARACTER}))?")
_TOKENS = re.compile(
    r'"(?P<literal>(?:[^"\\]|\\.)*)"|\[(?P<members>(?:[^\]\\]|\\.)*)\]|(?P<times>[?*+]|\{\d+,\d+\})'
    r"|(?P<rule>[A-Za-z][A-Za-z0-9-]*)|(?P<mark>[()|])"
)
_DIGIT = re.compile(r"\[\d-\d\]")
_NUMBER = re.compile(r'(?:"-"\??|"-?[\d.]+"|\[\d-\d\]|[ |])+')
_LAST_ASCII = 0x7F

#: Pieces that follow one another; each can be repeated, or is repeated already.
Pieces = tuple[str, ...]


@lru_cache(maxsize=64)
def build_regex(catalogue: Catalogue) -> str:
    """The expression that whole programs for one robot match."""
    action, condition, rules = every_call(catalogue)
    # Actions make up nearly all of the states: they are written once, after all that may stand before one.
    above = rf'"# Step " [2-{MAX_STEPS}] ": " plan | "x, y, z = scene.position(" {TARGET} ")"'
    header = f'"if " {condition} | "for i in range(" [1-9] [0-9]? ")" | "else"'
    line = rf'(({above}) "\n")* ((({header}) ":\n")? "    ")? {action}'
    wider = {
        "root": rf'"# " ("Step 1" | "Refuse") ": " plan ("\n" {line})*',
        # A step's comment: its goal and the other fields.
        "phrase": rf"[^{MARKS}{SPACES}{CONTROL}] [^|{CONTROL}]*",
        # A thing may be called what no phrase begins with.
        "plan": rf'phrase (" | " ("target" | "prefer" | "avoid") ": " [^|{CONTROL}]+)*',
        TARGET: _NAME,
        WITH_FRONT: _NAME,
    }
    return "".join(_Converter(rules | wider).rule("root"))


class _Converter:
    def __init__(self, rules: dict[str, str]) -> None:
        self._rules = rules
        self._known: dict[str, Pieces] = {}

    def rule(self, name: str) -> Pieces:
        """What the rule of this name stands for."""
        if name not in self._known:
            body = self._rules[name]
            self._known[name] = _number(body) if _NUMBER.fullmatch(body) else self._read(body)
        return self._known[name]

    def _read(self, body: str) -> Pieces:
        branches: list[Pieces] = [()]
        outer: list[list[Pieces]] = []
        last: Pieces = ()
        for token in _TOKENS.finditer(body):
            if token["mark"] == "(":
                outer.append(branches)
                branches = [()]
            elif token["mark"] == "|":
                branches.append(())
            elif token["times"]:
                before = branches[-1][: len(branches[-1]) - len(last)]
                branches[-1] = (*before, _repeated(last, token["times"]))
            else:
                if token["mark"] == ")":
                    last, branches = _any_of(branches), outer.pop()
                elif token["rule"]:
                    last = self.rule(token["rule"])
                elif token["members"]:
                    last = (_class(token["members"]),)
                else:
                    last = tuple(_plain(_decoded(one)) for one in _CHARACTERS.findall(token["literal"]))
                branches[-1] += last
        return _any_of(branches)


def _any_of(branches: list[Pieces]) -> Pieces:
    """One of several branches. Those that end alike share their ending, which saves an engine as many states."""
    if len(branches) == 1:
        return branches[0]
    by_ending: dict[str, list[Pieces]] = {}
    for branch in branches:
        by_ending.setdefault(branch[-1] if branch else "", []).append(branch[:-1])
    empty = by_ending.pop("", None) is not None
    written = [(*_any_of(beginnings), ending) for ending, beginnings in by_ending.items()]
    if len(written) == 1 and not empty:
        return written[0]
    texts = ["".join(pieces) for pieces in written]
    single = all(len(text) == 1 and text.isalnum() for text in texts)
    group = f"[{''.join(texts)}]" if single else f"(?:{'|'.join(texts)})"
    return (group + "?" if empty else group,)


def _repeated(pieces: Pieces, times: str) -> str:
    """Pieces so many times. Each count would take states of its own, so none is kept but whether there may be none."""
    whole = pieces[0] if len(pieces) == 1 and pieces[0][-1] not in "?*+" else f"(?:{''.join(pieces)})"
    return whole + (times if len(times) == 1 else "*" if times.startswith("{0,") else "+")


def _number(body: str) -> Pieces:
    """A number with no more digits than the rule's have; where its range ends would take states too."""
    branches = _DIGIT.sub("0", body).replace('"', "").replace(" ", "").split("|")
    digits = max(len(branch.lstrip("-?").partition(".")[0]) for branch in branches)
    whole = "[0-9]" if digits == 1 else f"(?:0|[1-9][0-9]{{0,{digits - 1}}})"
    sign = ("-?",) if any(branch.startswith("-") for branch in branches) else ()
    return (*sign, whole, r"\.", "[0-9]", "[0-9]?") if "." in branches[0] else (*sign, whole)


def _class(members: str) -> str:
    """A class of characters. One that leaves some out leaves out ASCII alone: others take states for their bytes."""
    if not members.startswith("^"):
        return f"[{members}]"
    kept = ""
    for low, high in _SPANS.findall(members[1:]):
        if ord(_decoded(low)) <= _LAST_ASCII:
            end = high if ord(_decoded(high or low)) <= _LAST_ASCII else rf"\x{_LAST_ASCII:X}"
            kept += low if end in ("", low) else f"{low}-{end}"
    return f"[^{kept}]"


def _decoded(written: str) -> str:
    """The character that a GBNF writes so."""
    if written[:2] in (r"\x", r"\u"):
        return chr(int(written[2:], 16))
    return "\n" if written == r"\n" else written[-1]


def _plain(character: str) -> str:
    """A character as itself."""
    if character == "\n":
        return r"\n"
    return f"\\{character}" if character in r"\.^$*+?{}[]()|" else character
