"""Equal requests share one answer while it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import fields, replace
from typing import Any

import pytest

from services.backends.base import (
    BackendError,
    Delta,
    Failed,
    Finish,
    GenerationRequest,
    Invalid,
    Overloaded,
    TimedOut,
    Unavailable,
)
from services.backends.kept import KeptAnswers
from services.backends.sharing import Origin, SharedAnswers
from tests.unit.backends.scripted_backend import FINISH, REQUEST, ScriptedBackend, settle


class Reader:
    """Somebody who asks, and what was heard."""

    def __init__(self, answers: SharedAnswers, request: GenerationRequest = REQUEST) -> None:
        self.origins: list[Origin] = []
        self.heard: list[Delta | Finish] = []
        self.task = asyncio.create_task(self._read(answers, request))

    async def _read(self, answers: SharedAnswers, request: GenerationRequest) -> None:
        async with aclosing(answers.stream(request, self.origins.append)) as stream:
            async for piece in stream:
                self.heard.append(piece)

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.heard if isinstance(piece, Delta))

    async def leave(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


def shared(backend: ScriptedBackend, kept: KeptAnswers | None = None, *, coalesce: bool = True) -> SharedAnswers:
    return SharedAnswers(backend, kept or KeptAnswers(0, 1, 1.0), coalesce=coalesce)


def play(steps: Callable[[], Awaitable[None]]) -> None:
    """Run steps; nothing may be left running when they end."""

    async def run() -> None:
        async with asyncio.timeout(10):
            await steps()
            await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_whoever_asks_for_the_same_gets_all_of_one_answer_as_it_comes() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        answers = shared(backend)
        readers = [Reader(answers), Reader(answers)]
        await settle()
        for piece in ("One", " two", " three"):
            backend.generations[0].say(piece)
            readers.append(Reader(answers))  # each later than the one before
            await settle()
            assert {reader.text for reader in readers} == {readers[0].text}, "nobody waits for the end"
            assert readers[0].text.endswith(piece)
        backend.generations[0].say(FINISH)
        await asyncio.gather(*(reader.task for reader in readers))
        for reader in readers:
            assert reader.heard == [Delta("One"), Delta(" two"), Delta(" three"), FINISH]
        assert [reader.origins for reader in readers] == [["engine"], *[["followed"]] * 4]
        assert len(backend.asked) == 1

    play(steps)


def test_after_its_end_an_answer_is_not_followed_any_more() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        answers = shared(backend)
        for number in range(2):
            reader = Reader(answers)
            await settle()
            backend.generations[number].say("Hello", FINISH)
            await reader.task
            assert (reader.text, reader.origins) == ("Hello", ["engine"])

    play(steps)


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_one_that_leaves_does_not_break_the_others(leaver: int) -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        answers = shared(backend)
        readers = [Reader(answers) for _ in range(3)]
        await settle()
        backend.generations[0].say("One")
        await settle()
        await readers.pop(leaver).leave()
        readers.append(Reader(answers))
        await settle()
        backend.generations[0].say(" two", FINISH)
        await asyncio.gather(*(reader.task for reader in readers))
        assert [reader.text for reader in readers] == ["One two"] * 3
        assert not backend.generations[0].cancelled
        assert len(backend.asked) == 1

    play(steps)


def test_when_all_have_left_the_engine_is_stopped_before_the_last_is_gone() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        answers = shared(backend)
        readers = [Reader(answers) for _ in range(3)]
        await settle()
        generation = backend.generations[0]
        generation.say("One")
        await settle()
        for reader in readers:
            assert not generation.cancelled
            await reader.leave()
        assert (generation.cancelled, generation.closed) == (True, True)

    play(steps)


def test_one_that_has_read_enough_leaves_like_one_that_is_cancelled() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        async with aclosing(shared(backend).stream(REQUEST, lambda _: None)) as stream:
            first = asyncio.ensure_future(anext(stream))
            await settle()
            backend.generations[0].say("One", " two")
            assert await first == Delta("One")
        assert (backend.generations[0].cancelled, backend.generations[0].closed) == (True, True)

    play(steps)


def test_nobody_follows_what_is_being_broken_off() -> None:
    async def steps() -> None:
        backend = ScriptedBackend(closes_in_s=0.05)
        answers = shared(backend)
        first = Reader(answers)
        await settle()
        first.task.cancel()
        await settle()
        assert (backend.generations[0].cancelled, backend.generations[0].closed) == (True, False)
        second = Reader(answers)
        await settle()
        assert second.origins == ["engine"]
        with pytest.raises(asyncio.CancelledError):
            await first.task
        third = Reader(answers)  # the end of the first has taken nothing away of the second
        await settle()
        assert third.origins == ["followed"]
        backend.generations[1].say("Hello", FINISH)
        await asyncio.gather(second.task, third.task)
        assert (second.text, third.text) == ("Hello", "Hello")

    play(steps)


@pytest.mark.parametrize("kind", [Overloaded, Invalid, Unavailable, Failed, TimedOut])
def test_an_error_is_that_of_all_readers(kind: type[BackendError]) -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        kept = KeptAnswers(8, 10_000, 60.0)
        answers = shared(backend, kept)
        readers = [Reader(answers) for _ in range(3)]
        await settle()
        backend.generations[0].say("One", kind("it broke"))
        errors = await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
        assert [(type(error), str(error)) for error in errors] == [(kind, "it broke")] * 3
        assert len({id(error) for error in errors}) == 3, "each goes its own way, with a traceback of its own"
        assert [reader.text for reader in readers] == ["One"] * 3
        again = Reader(answers)
        await settle()
        backend.generations[1].say("Hello", FINISH)
        await again.task
        assert again.origins == ["engine"], "errors are not kept"

    play(steps)


def test_an_error_that_nobody_thought_of_is_that_of_all_readers_too() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        answers = shared(backend)
        readers = [Reader(answers) for _ in range(2)]
        await settle()
        backend.generations[0].say(ZeroDivisionError("oh"))
        errors = await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
        assert [type(error) for error in errors] == [ZeroDivisionError] * 2

    play(steps)


def test_an_answer_that_is_broken_off_from_outside_is_not_taken_for_complete() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        before = asyncio.all_tasks()
        reader = Reader(shared(backend))
        await settle()
        backend.generations[0].say("One")
        await settle()
        (writer,) = asyncio.all_tasks() - before - {reader.task}
        writer.cancel()  # as a loop does that ends
        with pytest.raises(Unavailable, match="broken off"):
            await reader.task

    play(steps)


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


def test_a_slow_reader_holds_up_nobody_and_neither_does_it_hold_the_engine() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        answers = shared(backend)
        async with aclosing(answers.stream(REQUEST, lambda _: None)) as slow:
            first = asyncio.ensure_future(anext(slow))
            await settle()
            quick = Reader(answers)
            backend.generations[0].say(*map(str, range(1000)), FINISH)
            assert await first == Delta("0")
            await quick.task
            assert backend.generations[0].closed, "its place is free again"
            assert [quick.heard[0], *[piece async for piece in slow]] == quick.heard
            rest = [piece for piece in quick.heard if isinstance(piece, Delta)]
            assert [piece.text for piece in rest] == list(map(str, range(1000)))

    play(steps)


def test_a_follower_takes_no_place_at_the_engine() -> None:
    async def steps() -> None:
        backend = ScriptedBackend(max_concurrency=1)
        answers = shared(backend)
        leader, follower = Reader(answers), Reader(answers)
        await settle()
        other = Reader(answers, replace(REQUEST, max_tokens=9))
        backend.generations[0].say("Hello")
        await settle()
        assert (leader.text, follower.text, len(backend.asked)) == ("Hello", "Hello", 1)
        backend.generations[0].say(FINISH)
        await asyncio.gather(leader.task, follower.task)
        await settle()
        assert len(backend.asked) == 2, "the place went to the one that waited for it"
        backend.generations[1].say("Other", FINISH)
        await other.task

    play(steps)


def test_those_that_follow_one_that_waits_for_a_place_all_wait() -> None:
    async def steps() -> None:
        backend = ScriptedBackend(max_concurrency=1)
        answers = shared(backend)
        busy = Reader(answers, replace(REQUEST, max_tokens=9))
        await settle()
        waiting = [Reader(answers) for _ in range(3)]
        await settle()
        await waiting.pop(0).leave()
        backend.generations[0].say("Other", FINISH)
        await busy.task
        await settle()
        backend.generations[1].say("Hello", FINISH)
        await asyncio.gather(*(reader.task for reader in waiting))
        assert [reader.text for reader in waiting] == ["Hello"] * 2
        assert len(backend.asked) == 2

    play(steps)


def test_nothing_is_left_of_answers_however_they_end() -> None:
    async def steps() -> None:
        backend = ScriptedBackend(max_concurrency=64)
        answers = shared(backend)
        for number in range(40):
            request = replace(REQUEST, max_tokens=number + 1)
            readers = [Reader(answers, request) for _ in range(2)]
            if number % 4:  # else they leave before it has begun
                await settle()
                generation = backend.generations[-1]
                generation.say("Hello", *([FINISH] if number % 4 == 1 else [Failed("no")] if number % 4 == 2 else []))
                await settle()
            for reader in readers:
                reader.task.cancel()
            await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
            assert answers._running == {}
        assert all(generation.closed for generation in backend.generations)

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
