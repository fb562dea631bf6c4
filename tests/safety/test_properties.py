"""What holds whatever is thrown at reader and checks."""

from __future__ import annotations

import ast
import contextlib
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.behavior.catalogue import load_catalogue, robots
from services.behavior.check import CheckError, check_call
from services.behavior.program import ProgramError, ProgramReader
from tests.safety.cases import programs
from tests.safety.generate import SCENES, lone_call, mutated, sampled
from tests.safety.oracle import oracle

# Up to numbers too long for Python to write out.
NUMBERS = st.integers() | st.floats() | st.integers(1, 5000).map(lambda digits: 10**digits)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=8,
)
SOURCES = st.one_of(
    st.text(st.characters(), max_size=200),
    st.text(st.sampled_from(list("x=1 :\n\t#(\"'fb{}[].,\\\r\f\x00\u202eｘ\ud800")), max_size=100),
    st.sampled_from([case.text for case in programs() if len(case.text) < 5000]),
    st.builds(lambda seed: mutated(sampled("nao", "near things", seed), random.Random(seed)), st.integers(0, 2**32)),
)


@given(text=SOURCES, cuts=st.lists(st.integers(0, 5000), max_size=8).map(sorted))
def test_any_text_in_any_pieces_is_read_or_refused_alike(text: str, cuts: list[int]) -> None:
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert outcome(pieces) == outcome([text]) == outcome(list(text))


def outcome(pieces: list[str]) -> tuple[list[Any], str]:
    """What a program gives and the code of its finding; nothing but a ProgramError may be raised."""
    reader = ProgramReader(load_catalogue("nao"), SCENES["near things"])
    items: list[Any] = []
    try:
        for piece in pieces:
            items += reader.feed(piece)
        items += reader.close()
    except ProgramError as error:
        return items, f"{error.code} {error.line}"
    return items, ""


@given(robot=st.sampled_from(robots()), service=st.text(max_size=9), method=st.text(max_size=9), args=st.lists(VALUES))
def test_no_call_makes_the_check_fail_otherwise(robot: str, service: str, method: str, args: list[Any]) -> None:
    catalogue = load_catalogue(robot)
    for name in (service, *catalogue.services):
        with contextlib.suppress(CheckError):
            check_call(catalogue, name, method, args)


@given(data=st.data(), robot=st.sampled_from(robots()))
def test_what_the_check_lets_through_the_catalogue_allows(data: st.DataObject, robot: str) -> None:
    judge, catalogue = oracle(robot), load_catalogue(robot)
    call = data.draw(st.sampled_from(sorted(judge.methods)))
    form = data.draw(st.sampled_from(judge.methods[call]))
    source = lone_call(robot, random.Random(data.draw(st.integers(0, 2**32))))
    named, _, rest = source.partition("(")
    written = ast.literal_eval(f"[{rest.removesuffix(')')}]")
    for name, values in ((call, [data.draw(VALUES) for _ in form["args"]]), (named, written)):
        service, _, method = name.partition(".")
        try:
            checked = check_call(catalogue, service, method, values)
        except CheckError:
            continue
        assert judge.fault(name, checked) is None, (name, values)
