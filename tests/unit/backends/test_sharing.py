"""Equal requests share one answer while it is written."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from services.backends.base import BackendError, Delta, Failed, Invalid, Overloaded, TimedOut, Unavailable
from services.backends.kept import KeptAnswers
from tests.unit.backends.scripted_backend import FINISH, REQUEST, Reader, ScriptedBackend, play, settle, shared


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
