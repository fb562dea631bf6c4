"""What circuits, shadows and counters make of answers that are shared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from prometheus_client import REGISTRY

from services.backends.base import BackendError, Failed
from services.backends.circuit import CircuitSettings
from services.backends.kept import KeptAnswers
from services.backends.routing import Routing
from services.behavior.catalogue import load_catalogue
from services.behavior.schema import BehaviorRequest
from services.worker.asking import Asking
from services.worker.engines import Engine, Engines
from tests.unit.backends.scripted_backend import FINISH, REQUEST, ScriptedBackend, settle

HELLO = 'ALTextToSpeech.say("Hello")\n'
CIRCUIT = CircuitSettings(circuit_failures=3, circuit_open_s=0.05, circuit_successes=2)


def engines(*backends: ScriptedBackend) -> Engines:
    first, *others = (backend.config.name for backend in backends)
    routing = Routing({first: 1.0}, shadow=dict.fromkeys(others, 1.0))
    return Engines(backends, routing, CIRCUIT, KeptAnswers(8, 100_000, 60.0), coalesce=True)


def engine(engines: Engines, name: str = "llamacpp") -> Engine:
    return engines.candidates(name, named=True, vision=False)[0]


async def read(engine: Engine, within: Exception | None = None) -> None:
    """One behaviour that reads the whole answer, or fails for a reason of its own at the first piece."""
    admission = engine.circuit.admit()
    assert admission is not None
    with engine.attempt(admission) as attempt:
        async with aclosing(engine.answers.stream(REQUEST, attempt.served)) as answer:
            async for _ in answer:
                if within is not None:
                    raise within


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"backend": "llamacpp", **labels}) or 0.0


def play(steps: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(10):
            await steps()

    asyncio.run(run())


def test_one_answer_that_breaks_off_is_one_failure_however_many_follow_it() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        one = engine(engines(backend))
        failed = counted("rbe_worker_generations_total", outcome="failed")
        for number in range(3):
            assert one.circuit.state == "closed"
            readers = [asyncio.create_task(read(one)) for _ in range(10)]
            await settle()
            backend.generations[number].say("One", Failed("no"))
            errors = await asyncio.gather(*readers, return_exceptions=True)
            assert all(isinstance(error, BackendError) for error in errors)
        assert one.circuit.state == "open"
        assert counted("rbe_worker_generations_total", outcome="failed") == failed + 3

    play(steps)


def test_a_replay_says_nothing_about_the_engine() -> None:
    async def steps() -> None:
        backend = ScriptedBackend()
        one = engine(engines(backend))
        first = asyncio.create_task(read(one))
        await settle()
        backend.generations[0].say(HELLO, FINISH)
        await first
        for _ in range(2):
            one.circuit.admit().failed()  # type: ignore[union-attr]
        await read(one)
        await asyncio.gather(read(one, within=ValueError("the robot fell")), return_exceptions=True)
        one.circuit.admit().failed()  # type: ignore[union-attr]
        assert one.circuit.state == "open", "replays in between are no successes"
        await asyncio.sleep(CIRCUIT.circuit_open_s)
        for _ in range(2 * CIRCUIT.circuit_successes):
            await read(one)
            assert one.circuit.state == "half-open", "only the engine can show that it is well again"
            assert one.circuit.admits
        assert len(backend.asked) == 1

    play(steps)


def test_what_is_shared_is_counted_apart_from_what_engines_were_asked() -> None:
    async def steps() -> None:
        def counts() -> list[float]:
            origins = [counted("rbe_worker_shared_answers_total", origin=name) for name in ("followed", "replayed")]
            return [counted("rbe_worker_generations_total", outcome="succeeded"), *origins]

        before = counts()
        backend = ScriptedBackend()
        one = engine(engines(backend))
        readers = [asyncio.create_task(read(one)) for _ in range(4)]
        await settle()
        backend.generations[0].say(HELLO, FINISH)
        await asyncio.gather(*readers)
        await read(one)
        await read(one)
        assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 3, 2]

    play(steps)


def test_shadows_have_every_copy_written_anew() -> None:
    async def steps() -> None:
        primary, shadow = ScriptedBackend(), ScriptedBackend("vllm")
        both = engines(primary, shadow)
        asking = Asking(BehaviorRequest(instruction="Say hello"), load_catalogue("nao"), "small")
        request = asking.of(shadow.config)

        async def ask_by_name() -> None:
            async for _ in engine(both, "vllm").answers.stream(request, lambda _: None):
                pass

        named = asyncio.create_task(ask_by_name())
        await settle()
        shadow.generations[0].say(HELLO, FINISH)
        await named  # what vLLM would replay now
        both.copy_to_shadows("llamacpp", asking)
        both.copy_to_shadows("llamacpp", asking)
        await settle()
        assert shadow.asked == [request] * 3
        for generation in shadow.generations[1:]:
            generation.say(HELLO, FINISH)
        await settle()
        assert all(generation.closed for generation in shadow.generations)
        await both.close()

    play(steps)
