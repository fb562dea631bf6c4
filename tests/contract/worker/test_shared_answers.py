"""A worker whose behaviours share answers, and keep them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from services.behavior.schema import BehaviorRequest, BehaviorResult, Scene, SceneItem
from services.embedded.stack import Stack
from services.jobs.settings import JobSettings
from services.jobs.store import JobStore, connect
from tests.contract.worker.scripted_engine import Break, Hold, ScriptedEngine

GREET = '# Step 1: greet | target: visitors\nALTextToSpeech.say("Hello")\n'
NOD = 'ALMotion.setAngles("HeadPitch", 0.2, 0.1)\n'
WRONG = "# Step 1: walk\nALMotion.moveTo(50, 0.0, 0.0)\n"
WAIT_S = 30.0
TERMINAL = {"done", "error", "cancelled"}


@pytest.fixture(scope="module")
def engine_of_sharers() -> Iterator[ScriptedEngine]:
    engine = ScriptedEngine()
    engine.url = engine.start()  # type: ignore[attr-defined]
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def sharing(engine_of_sharers: ScriptedEngine) -> Iterator[JobStore]:
    """The queue of a worker that does so."""
    settings = {
        "LLAMACPP_URL": engine_of_sharers.url,  # type: ignore[attr-defined]
        "ANSWERS_KEPT": "100",
        "LLAMACPP_TUNED": "",
        "WARM_UP_S": "0",
    }
    with Stack(("store", "simulator", "gateway", "worker"), env=settings, robot_speed=20.0) as stack:
        jobs = JobSettings(redis_url=stack.redis_url)
        yield JobStore(connect(jobs), jobs)


@pytest.fixture
def engine(engine_of_sharers: ScriptedEngine) -> Iterator[ScriptedEngine]:
    yield engine_of_sharers
    engine_of_sharers.release()


_numbers = itertools.count()


@pytest.fixture
def order() -> str:
    """One that nothing is kept for."""
    return f"Greet visitor {next(_numbers)}"


def submit(store: JobStore, order: str, **fields: Any) -> str:
    return store.submit(BehaviorRequest(instruction=order, **fields), backend="llamacpp").id


def until(store: JobStore, behavior_id: str, event: str) -> None:
    for each in store.events(behavior_id):
        if each is not None and each.name == event:
            return


def ended(store: JobStore, behavior_id: str) -> BehaviorResult:
    """How it ended, which it did once."""
    document = store.wait(behavior_id, WAIT_S)
    assert document is not None
    names = [event.name for event in store.events(behavior_id) if event is not None]
    assert [name for name in names if name in TERMINAL] == names[-1:]
    return document


def test_equal_orders_are_written_once_and_carried_out_each(
    sharing: JobStore, engine: ScriptedEngine, order: str
) -> None:
    engine.play([GREET, Hold(), NOD])
    first = submit(sharing, order)
    assert engine.holding.acquire(timeout=WAIT_S)
    second = submit(sharing, order, mode="stream")
    until(sharing, second, "action")  # though the engine has not written the rest
    engine.release()

    documents = [ended(sharing, behavior_id) for behavior_id in (first, second)]

    assert [document.status for document in documents] == ["succeeded"] * 2, documents
    assert {document.code for document in documents} == {GREET + NOD}
    assert [[action.method for action in document.actions] for document in documents] == [["say", "setAngles"]] * 2
    assert {document.usage.model_dump_json() for document in documents} == {documents[0].usage.model_dump_json()}
    assert documents[0].usage.prompt_tokens == 7
    assert len(engine.requests) == 1

    later = ended(sharing, submit(sharing, order))
    assert (later.status, later.code, later.usage) == ("succeeded", GREET + NOD, documents[0].usage)
    assert len(engine.requests) == 1, "it was kept"


def test_orders_that_are_not_equal_are_written_each(sharing: JobStore, engine: ScriptedEngine, order: str) -> None:
    engine.play([GREET, Hold()])
    scene = Scene(objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0])])
    others = ({}, {"scene": scene}, {"max_tokens": 99}, {"temperature": 0.7}, {"temperature": 0.7})
    behaviors = [submit(sharing, order, execute="none", **fields) for fields in others]
    for _ in others:
        assert engine.holding.acquire(timeout=WAIT_S)
    engine.release()
    assert [ended(sharing, behavior_id).status for behavior_id in behaviors] == ["succeeded"] * len(others)


def test_the_engine_writes_on_until_the_last_is_cancelled(
    sharing: JobStore, engine: ScriptedEngine, order: str
) -> None:
    engine.play([GREET, Hold()])
    behaviors = [submit(sharing, order, execute="none") for _ in range(3)]
    for behavior_id in behaviors:
        until(sharing, behavior_id, "statement")
    for behavior_id in behaviors:
        assert not engine.hung_up.acquire(blocking=False)
        sharing.cancel(behavior_id)
        assert ended(sharing, behavior_id).status == "cancelled"
    assert engine.hung_up.acquire(timeout=WAIT_S)
    assert len(engine.requests) == 1


def test_one_whose_leader_is_cancelled_goes_on(sharing: JobStore, engine: ScriptedEngine, order: str) -> None:
    engine.play([GREET, Hold(), NOD])
    leader = submit(sharing, order)
    assert engine.holding.acquire(timeout=WAIT_S)
    follower = submit(sharing, order)
    until(sharing, follower, "statement")
    sharing.cancel(leader)
    assert ended(sharing, leader).status == "cancelled"
    engine.release()
    document = ended(sharing, follower)
    assert (document.status, document.code) == ("succeeded", GREET + NOD)
    assert len(engine.requests) == 1


def test_programs_that_fail_a_check_are_mended_once_for_all(
    sharing: JobStore, engine: ScriptedEngine, order: str
) -> None:
    engine.play(["# Step 1: walk\n", Hold(), WRONG], [GREET])
    behaviors = [submit(sharing, order, execute="none") for _ in range(2)]
    for behavior_id in behaviors:
        until(sharing, behavior_id, "step")
    engine.release()
    documents = [ended(sharing, behavior_id) for behavior_id in behaviors]
    assert [(document.status, document.repaired) for document in documents] == [("succeeded", True)] * 2
    assert {document.code for document in documents} == {GREET}
    assert {document.usage.completion_tokens for document in documents} == {documents[0].usage.completion_tokens}
    assert len(engine.requests) == 2, "the second round is shared, too"


def test_an_engine_that_breaks_off_is_asked_again_by_all(sharing: JobStore, engine: ScriptedEngine, order: str) -> None:
    engine.play([GREET, Hold(), Break()], [GREET])
    behaviors = [submit(sharing, order, execute="none") for _ in range(3)]
    for behavior_id in behaviors:
        until(sharing, behavior_id, "statement")
    engine.release()
    documents = [ended(sharing, behavior_id) for behavior_id in behaviors]
    assert [(document.status, document.code) for document in documents] == [("succeeded", GREET)] * 3
    assert len(engine.requests) == 2, "whoever comes after the second answer's end has it replayed"
