"""Every hostile program of the corpus on its whole way: no reader, no gateway lets it harm the robot."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from services.behavior.catalogue import load_catalogue
from services.behavior.waiting import TIME
from services.robot import calls
from tests.safety.cases import Case, programs
from tests.safety.trial import read, trial

CASES = programs()
BY_ID = {case.id: case for case in CASES}


def test_the_corpus_is_large_enough_and_of_many_kinds() -> None:
    assert len(CASES) >= 300
    assert len({(case.text, case.robot, repr(case.scene), repr(case.answers)) for case in CASES}) == len(CASES)
    kinds = Counter(case.kind for case in CASES)
    assert len(kinds) >= 10
    assert min(kinds.values()) >= 10
    assert {case.robot for case in CASES} == {"nao", "porter"}


@pytest.mark.parametrize("case", [case for case in CASES if case.read], ids=lambda case: case.id)
def test_reading_stops_it(case: Case) -> None:
    _, _, error = read(case)
    assert error is not None, f"{case.tries}: was let through"
    assert error.code in case.codes, error


@pytest.mark.parametrize("mode", ["atomic", "stream"])
def test_the_gateway_stops_what_only_shows_when_it_runs(mode: str) -> None:
    async def scenario() -> None:
        async with trial() as robots:
            for case in CASES:
                if case.read:
                    continue
                outcome = await robots.whole(case, mode)
                assert (outcome.code in case.codes, outcome.harm(case.robot)) == (True, []), (case.id, outcome)

    asyncio.run(scenario())


def test_the_gateway_alone_lets_no_harm_through() -> None:
    """The second line of defence: a sample of programs that no reader has seen. ``scripts/safety`` runs them all."""

    async def scenario() -> None:
        async with trial() as robots:
            for case in CASES[::5]:
                outcome = await robots.unread(case)
                assert outcome.layer != "robot", (case.id, outcome)
                assert outcome.harm(case.robot) == [], case.id

    asyncio.run(scenario())


def test_a_gateway_that_does_not_check_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recording robot and its judge see harm when there is some."""
    (harmless,) = load_catalogue("nao").services[TIME].methods
    monkeypatch.setattr(calls.CallChecker, "check", lambda self, service, method, args, line, at: (harmless, args))

    async def scenario() -> dict[str, list[str]]:
        async with trial() as robots:
            return {name: (await robots.unread(BY_ID[name])).harm(BY_ID[name].robot) for name in expected}

    expected = {
        "walk-too-far": "x: out of range",
        "head-too-far": "HeadYaw beyond its limits",
        "nan-made": "x: not a finite number",
        "porter-answer": "room: not among the names",
    }
    found = asyncio.run(scenario())
    assert {name: len(faults) for name, faults in found.items()} == dict.fromkeys(expected, 1)
    assert all(words in found[name][0] for name, words in expected.items()), found
