"""Which requests share an answer, and which answers are replayed."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from typing import Any

import pytest

from services.backends.base import Delta, Finish, GenerationRequest, Unavailable
from services.backends.kept import KeptAnswers
from tests.unit.backends.scripted_backend import FINISH, REQUEST, Reader, ScriptedBackend, play, settle, shared

DIFFERENT: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Wave!"}],
    "max_tokens": 65,
    "temperature": 0.5,
    "seed": 4,
    "stop": ["\n\n"],
    "grammar": 'root ::= "red ball"',
    "regex": "red ball",
    "prompt": "Wave",
    "top_p": 0.5,
    "top_k": 2,
    "adapter": "nao",
}


def shares(*requests: GenerationRequest) -> bool:
    """Whether the engine is asked once for all of them, and not once for each."""
    counts: list[int] = []

    async def steps() -> None:
        backend = ScriptedBackend()
        answers = shared(backend)
        readers = [Reader(answers, request) for request in requests]
        await settle()
        counts.append(len(backend.asked))
        for number, generation in enumerate(backend.generations):
            generation.say(f"Answer {number}", FINISH)
        await asyncio.gather(*(reader.task for reader in readers))
        assert len({reader.text for reader in readers}) == counts[0]

    play(steps)
    assert counts[0] in (1, len(requests))
    return counts[0] == 1


@pytest.mark.parametrize("field", [field.name for field in fields(GenerationRequest)])
def test_requests_are_equal_that_say_the_same_in_everything_but_their_trace(field: str) -> None:
    full = GenerationRequest(
        messages=[{"role": "user", "content": "Wave"}],
        max_tokens=64,
        seed=3,
        stop=["\n"],
        grammar='root ::= "ball"',
        regex="ball",
        prompt="wave",
        top_p=0.9,
        top_k=1,
        adapter="0",
        trace={"traceparent": "one"},
    )
    same = replace(full, messages=[{"role": "user", "content": "Wave"}], stop=["\n"], trace={"traceparent": "other"})
    assert shares(full, same)
    if field != "trace":
        assert not shares(full, replace(full, **{field: DIFFERENT[field]}))


def test_a_text_is_not_taken_for_one_in_another_place() -> None:
    assert not shares(replace(REQUEST, grammar="a"), replace(REQUEST, regex="a"))


@pytest.mark.parametrize(
    ("temperature", "seed", "equal"), [(0.0, None, True), (0.7, 5, True), (0.7, 0, True), (0.7, None, False)]
)
def test_only_what_comes_out_the_same_is_shared(temperature: float, seed: int | None, equal: bool) -> None:
    request = replace(REQUEST, temperature=temperature, seed=seed)
    assert shares(request, request) is equal


def test_sharing_can_be_switched_off() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        for kept in (None, KeptAnswers(8, 10_000, 60.0)):
            answers = shared(backend, kept, coalesce=False)
            readers = [Reader(answers), Reader(answers)]
            await settle()
            for generation in backend.generations[-2:]:
                generation.say("Hello", FINISH)
            await asyncio.gather(*(reader.task for reader in readers))
            assert [reader.origins for reader in readers] == [["engine"]] * 2
        assert len(backend.asked) == 4
        replayed = Reader(answers)
        await replayed.task
        assert replayed.origins == ["replayed"], "keeping answers is a switch of its own"

    play(steps)


def test_a_finished_answer_is_replayed_as_it_came() -> None:
    async def steps() -> None:
        kept = KeptAnswers(8, 10_000, 60.0)
        backend, other = ScriptedBackend(), ScriptedBackend("vllm")
        answers = shared(backend, kept)
        first = Reader(answers)
        await settle()
        backend.generations[0].say("One", " two", FINISH)
        await first.task
        second = Reader(answers)
        await second.task
        assert (second.heard, second.origins) == ([Delta("One"), Delta(" two"), FINISH], ["replayed"])
        elsewhere = Reader(shared(other, kept))
        await settle()
        assert elsewhere.origins == ["engine"], "what one backend has written is not another's answer"
        await elsewhere.leave()
        sampled = Reader(answers, replace(REQUEST, temperature=0.7))
        await settle()
        assert sampled.origins == ["engine"]
        await sampled.leave()

    play(steps)


@pytest.mark.parametrize("end", [Finish("length", "scripted", 7, 64), Unavailable("gone"), None])
def test_what_did_not_end_by_itself_is_not_kept(end: Finish | Exception | None) -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        answers = shared(backend, KeptAnswers(8, 10_000, 60.0))
        reader = Reader(answers)
        await settle()
        backend.generations[0].say("Hel", *([end] if end else []))
        await settle()
        reader.task.cancel()
        await asyncio.gather(reader.task, return_exceptions=True)
        again = Reader(answers)
        await settle()
        assert again.origins == ["engine"]
        await again.leave()

    play(steps)


def test_an_answer_that_its_first_reader_left_is_kept_for_others() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        answers = shared(backend, KeptAnswers(8, 10_000, 60.0))
        first, second = Reader(answers), Reader(answers)
        await settle()
        await first.leave()
        backend.generations[0].say("Hello", FINISH)
        await second.task
        third = Reader(answers)
        await third.task
        assert (third.text, third.origins) == ("Hello", ["replayed"])

    play(steps)
