"""One behaviour after another through a real worker."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis

from services.behavior.api_card import api_card
from services.behavior.catalogue import load_catalogue
from services.behavior.schema import BehaviorRequest, BehaviorResult
from services.embedded.stack import Stack
from services.jobs.store import Event, JobStore
from services.picture.recording import Recording
from services.robot.qi_session import new_session
from tests.contract.robot.scripted_robot import ScriptedRobot
from tests.contract.worker.scripted_engine import Break, Hold, Refuse, Say, ScriptedEngine

HELLO = '# Step 1: greet | target: visitors\nALTextToSpeech.say("Hello")\n'
WALK_10_M_IN_CIRCLES = "for i in range(20):\n    ALMotion.moveTo(0.5, 0.0, 0.0)\n"
WAIT_S = 30.0


def submit(store: JobStore, **fields: Any) -> str:
    return store.submit(BehaviorRequest(**{"instruction": "Say hello", **fields}), backend="llamacpp").id


def ended(store: JobStore, behavior_id: str) -> BehaviorResult:
    document = store.wait(behavior_id, WAIT_S)
    assert document is not None
    assert document.status in ("succeeded", "refused", "failed", "cancelled"), document
    return document


def events(store: JobStore, behavior_id: str) -> list[Event]:
    return [event for event in store.events(behavior_id) if event is not None]


def test_a_behaviour_is_generated_checked_executed_and_reported(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([*HELLO.partition("target"), "ALMotion.move", "To(0.2, 0.0, 0.0)\n"])

    behavior_id = submit(store)
    document = ended(store, behavior_id)

    assert document.status == "succeeded", document.error
    assert [(action.method, action.args) for action in document.actions] == [
        ("say", ["Hello"]),
        ("moveTo", [0.2, 0.0, 0.0]),
    ]
    assert [(step.step, step.goal, step.target) for step in document.plan] == [(1, "greet", "visitors")]
    assert document.code.strip() == f"{HELLO}ALMotion.moveTo(0.2, 0.0, 0.0)"
    assert (document.usage.prompt_tokens, document.usage.completion_tokens) == (7, 5)
    timings = document.timings
    assert timings.queue_ms is not None
    assert timings.queue_ms <= timings.ttft_ms <= timings.ttfs_ms  # type: ignore[operator]
    assert timings.ttfs_ms <= timings.ttfa_ms <= timings.total_ms  # type: ignore[operator]
    seen = events(store, behavior_id)
    assert [event.name for event in seen] == [
        "queued", "started", "step", "statement", "statement", "action", "action", "done",
    ]  # fmt: skip
    assert [tuple(map(int, event.id.split("-"))) for event in seen] == sorted(
        {tuple(map(int, event.id.split("-"))) for event in seen}
    )
    assert json.loads(seen[-1].data) == document.model_dump()
    assert engine.requests[0]["grammar"], "the engine is held to the grammar"
    assert "Say hello" in engine.requests[0]["messages"][-1]["content"]
    assert engine.requests[0]["messages"][0]["content"] == api_card(load_catalogue("nao"), "medium", constrained=True)


def test_what_the_simulated_robot_did_is_kept_beside_the_result(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO, "ALMotion.moveTo(0.2, 0.0, 0.0)\n"])
    behavior_id = submit(store)
    document = ended(store, behavior_id)
    assert document.picture == f"/v1/behaviors/{behavior_id}/picture.svg"
    packed = store.recording(behavior_id)
    assert packed is not None
    recording = Recording.unpacked(packed)
    assert [said.text for said in recording.spoken] == ["Hello"]
    assert recording.at(recording.seconds).x == pytest.approx(0.2, abs=0.01)


def test_a_behaviour_in_which_the_robot_falls_has_failed(stack: Stack, store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO + 'ALMotion.angleInterpolation("HeadYaw", 1.0, 60.0, True)\n'])
    behavior_id = submit(store)
    first_action(store, behavior_id)
    somebody = new_session()
    somebody.connect(stack.simulator_url)
    somebody.service("ALMotion").setAngles("LHipPitch", -1.2, 0.5)  # pulls its leg
    somebody.close()
    document = ended(store, behavior_id)
    assert document.status == "failed"
    assert document.error is not None
    assert (document.error.code, document.error.line) == ("robot.fell", 3)
    assert document.picture is not None
    assert store.recording(behavior_id) is not None


def test_nothing_reaches_the_robot_unless_asked(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO])
    document = ended(store, submit(store, execute="none"))
    assert (document.status, document.actions) == ("succeeded", [])


def test_in_stream_mode_the_robot_acts_while_the_engine_still_writes(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO, "ALMotion.moveTo(", Hold(), "0.2, 0.0, 0.0)\n"])
    behavior_id = submit(store, mode="stream")
    for event in store.events(behavior_id):
        if event is not None and event.name == "action":
            break
    engine.release()

    document = ended(store, behavior_id)

    assert document.status == "succeeded", document.error
    assert [action.method for action in document.actions] == ["say", "moveTo"]


def test_in_atomic_mode_a_late_mistake_keeps_everything_from_the_robot(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO, "ALMotion.moveTo(99999.0, 0.0, 0.0)\n"])
    document = ended(store, submit(store))
    assert document.status == "failed"
    assert document.actions == []
    assert document.error is not None
    assert document.error.code.startswith("program.")
    assert document.error.line == 3
    assert document.error.statement == "ALMotion.moveTo(99999.0, 0.0, 0.0)"


def test_items_of_one_batch_answer_on_their_own(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO, Hold()], [HELLO])
    slow = submit(store, execute="none")
    assert engine.holding.acquire(timeout=WAIT_S)
    quick = submit(store, execute="none")

    assert ended(store, quick).status == "succeeded"
    assert store.result(slow).status == "running"  # type: ignore[union-attr]
    engine.release()
    assert ended(store, slow).status == "succeeded"


def test_a_refusal_is_not_a_failure(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play(['# Refuse: that would hurt somebody\nALTextToSpeech.say("I will not do that.")\n'])
    behavior_id = submit(store)
    document = ended(store, behavior_id)
    assert (document.status, document.refusal) == ("refused", "that would hurt somebody")
    assert [action.method for action in document.actions] == ["say"]
    assert events(store, behavior_id)[-1].name == "done"


@pytest.mark.parametrize(
    ("script", "finish", "code"),
    [
        (["import os\n"], "stop", "program."),
        (["ALMotion.moveTo("], "stop", "program."),
        ([HELLO, "ALMotion.move"], "length", "program.truncated"),
        ([""], "stop", "program.empty"),
        ([Refuse(400)], "stop", "backend.invalid"),
        ([Refuse(500)], "stop", "backend.failed"),
    ],
)
def test_what_an_engine_gets_wrong_is_named(
    store: JobStore, engine: ScriptedEngine, script: list[Any], finish: str, code: str
) -> None:
    engine.play(script, finish=finish)
    behavior_id = submit(store)
    document = ended(store, behavior_id)
    assert document.status == "failed"
    assert document.error is not None
    assert document.error.code.startswith(code)
    assert document.actions == []
    assert events(store, behavior_id)[-1].name == "error"


@pytest.mark.parametrize("trouble", [[Refuse(503)], [Refuse(429)], [Break()], [HELLO, Break()]])
def test_an_engine_that_recovers_is_asked_again(store: JobStore, engine: ScriptedEngine, trouble: list[Any]) -> None:
    engine.play(trouble, trouble, [HELLO])
    behavior_id = submit(store)
    document = ended(store, behavior_id)
    assert document.status == "succeeded", document.error
    assert [action.method for action in document.actions] == ["say"]
    assert len(document.plan) == 1
    assert len(engine.requests) == 3


def test_an_engine_that_stays_away_fails_the_behaviour(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([Refuse(503)])
    document = ended(store, submit(store))
    assert document.status == "failed"
    assert document.error is not None
    assert document.error.code == "backend.overloaded"


@pytest.mark.parametrize(
    "script",
    [
        [Refuse(400, b'{"error":{"message":"half a character: \\ud800"}}')],
        [Refuse(400, b"[" * 5000)],
        [Say(b'{"choices":"none"}')],
        [Say(b'{"choices":[{"delta":"text"}]}')],
        [Say(b'{"choices":[{"delta":{"content":7}}]}')],
        [HELLO, Say(b'{"model":123,"choices":[{"finish_reason":"stop"}]}'), Say(b"[DONE]")],
        [HELLO, Say(b'{"choices":[],"usage":{"prompt_tokens":"a","completion_tokens":-1}}'), Say(b"[DONE]")],
        [Say(b"[" * 5000)],
        [Say(b"null")],
    ],
    ids=range(9),
)
def test_whatever_an_engine_says_its_behaviour_fails_alone_and_at_once(
    store: JobStore, engine: ScriptedEngine, script: list[Any]
) -> None:
    engine.play(script, [HELLO])
    document = ended(store, submit(store, max_tokens=64))
    assert document.status == "failed", document
    assert document.error is not None
    assert document.error.code in ("backend.failed", "backend.invalid")
    assert ended(store, submit(store)).status == "succeeded"


def test_an_engine_is_not_asked_again_once_the_robot_has_acted(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO, Hold(), Break()])
    behavior_id = submit(store, mode="stream")
    for event in store.events(behavior_id):
        if event is not None and event.name == "action":
            break
    engine.release()
    document = ended(store, behavior_id)
    assert document.status == "failed"
    assert [action.method for action in document.actions] == ["say"]
    assert len(engine.requests) == 1


def test_cancelling_stops_the_engine(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO, Hold()])
    behavior_id = submit(store)
    assert engine.holding.acquire(timeout=WAIT_S)

    store.cancel(behavior_id)

    assert ended(store, behavior_id).status == "cancelled"
    assert engine.hung_up.acquire(timeout=WAIT_S)
    assert events(store, behavior_id)[-1].name == "cancelled"


def test_cancelling_stops_the_robot(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO + WALK_10_M_IN_CIRCLES])
    behavior_id = submit(store)
    for event in store.events(behavior_id):
        if event is not None and event.name == "action":
            break
    store.cancel(behavior_id)

    document = ended(store, behavior_id)

    assert document.status == "cancelled", document
    assert 1 <= len(document.actions) < 20


def test_a_backend_that_the_worker_does_not_know_is_named(store: JobStore) -> None:
    behavior_id = store.submit(BehaviorRequest(instruction="Hello"), backend="nonesuch").id
    document = ended(store, behavior_id)
    assert document.error is not None
    assert document.error.code == "backend.unknown"


def test_without_the_robot_gateway_the_behaviour_fails_and_says_so(
    stack: Stack, store: JobStore, engine: ScriptedEngine
) -> None:
    engine.play([HELLO])
    stack.kill("gateway")
    try:
        document = ended(store, submit(store))
    finally:
        stack.start("gateway")
    assert document.status == "failed"
    assert document.error is not None
    assert document.error.code == "robot.unreachable"


def test_a_gateway_that_is_back_soon_is_waited_for(stack: Stack, store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO])
    stack.kill("gateway")
    try:
        behavior_id = submit(store)
        time.sleep(3.0)
    finally:
        stack.start("gateway")
    assert ended(store, behavior_id).status == "succeeded"


def test_a_worker_that_is_shut_down_gives_back_what_it_has_not_ended(
    stack: Stack, store: JobStore, engine: ScriptedEngine
) -> None:
    engine.play([HELLO, Hold()], [HELLO])
    behavior_id = submit(store)
    assert engine.holding.acquire(timeout=WAIT_S)

    stack.stop("worker")
    try:
        assert store.result(behavior_id).status == "queued"  # type: ignore[union-attr]
        assert store.workers() == 0
    finally:
        stack.start("worker")

    document = ended(store, behavior_id)
    assert document.status == "succeeded", document.error
    assert [event.name for event in events(store, behavior_id)].count("done") == 1


def test_what_a_refusing_store_does_not_take_back_is_recovered(
    stack: Stack, store: JobStore, engine: ScriptedEngine
) -> None:
    """The worker goes while the store's disk is full, say; here the store asks for a replica, and there is none."""
    engine.play([HELLO, Hold()], [HELLO])
    behavior_id = submit(store)
    assert engine.holding.acquire(timeout=WAIT_S)
    told_before = stack.log("worker").stat().st_size

    with redis.Redis.from_url(stack.redis_url) as refusing:
        refusing.config_set("min-replicas-to-write", 1)
        try:
            stack.stop("worker")
        finally:
            refusing.config_set("min-replicas-to-write", 0)
            stack.start("worker")

    document = ended(store, behavior_id)
    assert document.status == "succeeded", document.error
    told = stack.log("worker").read_text()[told_before:]
    assert "recovery will queue it again" in told
    assert "exception was never retrieved" not in told


def first_action(store: JobStore, behavior_id: str) -> None:
    """Return once the robot has carried out a call."""
    for event in store.events(behavior_id):
        if event is not None and event.name == "action":
            return


@pytest.mark.parametrize("mode", ["atomic", "stream"])
def test_the_first_action_is_timed_where_there_is_one(store: JobStore, engine: ScriptedEngine, mode: str) -> None:
    engine.play(["x = 0.2\n", HELLO, Hold(), "ALMotion.moveTo(x, 0.0, 0.0)\n"])
    behavior_id = submit(store, mode=mode)
    assert engine.holding.acquire(timeout=WAIT_S)
    if mode == "stream":
        first_action(store, behavior_id)
    held_for_s = 0.3
    time.sleep(held_for_s)
    engine.release()
    timings = ended(store, behavior_id).timings
    assert timings.ttfs_ms is not None
    assert timings.ttfa_ms is not None
    # Stream mode acts while the engine still writes; atomic mode once it has written all.
    assert timings.ttfs_ms < timings.ttfa_ms
    assert (timings.ttfa_ms - timings.ttfs_ms > held_for_s * 800) == (mode == "atomic")

    engine.play([HELLO])
    assert ended(store, submit(store, mode=mode, execute="none")).timings.ttfa_ms is None


def test_what_the_robot_was_doing_when_the_rest_of_its_program_failed_is_told(
    stack: Stack, store: JobStore, engine: ScriptedEngine
) -> None:
    engine.play(["ALMotion.moveTo(3.0, 0.0, 0.0)\n", Hold(), "ALMotion.fly()\n"])
    behavior_id = submit(store, mode="stream")
    look = new_session()
    look.connect(stack.simulator_url)
    while not look.service("ALMotion").moveIsActive():
        time.sleep(0.01)
    look.close()
    engine.release()
    document = ended(store, behavior_id)
    assert document.error is not None
    assert (document.status, document.error.code) == ("failed", "program.method")
    walk = document.actions[-1]
    assert (walk.method, walk.interrupted, walk.took_s is not None) == ("moveTo", True, True)
    assert document.picture is not None
    assert [event.name for event in events(store, behavior_id)][-2:] == ["action", "error"]


def test_one_behaviour_may_take_the_robot_from_another(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO + WALK_10_M_IN_CIRCLES], [HELLO], [HELLO])
    first = submit(store)
    first_action(store, first)
    waiting = submit(store)
    second = submit(store, when_busy="replace")

    replaced = ended(store, first)

    assert replaced.error is not None
    assert (replaced.status, replaced.error.code) == ("cancelled", "robot.replaced")
    assert second in replaced.error.message
    assert events(store, first)[-1].name == "cancelled"
    assert [ended(store, one).status for one in (second, waiting)] == ["succeeded"] * 2


def test_an_emergency_stop_ends_what_is_being_generated_at_once(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO, Hold()], [HELLO, Hold()], [HELLO, Hold()])
    atomic, stream, only_written = submit(store), submit(store, mode="stream"), submit(store, execute="none")
    for _ in range(3):
        assert engine.holding.acquire(timeout=WAIT_S)
    first_action(store, stream)

    store.stop_robot("nao")

    for behavior_id in (atomic, stream):  # though the engine holds their programs back
        document = ended(store, behavior_id)
        assert document.error is not None
        assert (document.status, document.error.code) == ("cancelled", "robot.stopped")
        assert engine.hung_up.acquire(timeout=WAIT_S)
    assert store.result(only_written).status == "running"  # type: ignore[union-attr]
    engine.release()
    assert ended(store, only_written).status == "succeeded"


def test_what_the_robot_cannot_do_ends_the_generation_at_once(
    stack: Stack, store: JobStore, engine: ScriptedEngine
) -> None:
    slow = 'ALMotion.angleInterpolation("LElbowYaw", 0.5, 60.0, True)\n'
    engine.play([HELLO + slow + 'ALMotion.setAngles("HeadYaw", 0.5, 0.2)\n', Hold()])
    behavior_id = submit(store, mode="stream")
    first_action(store, behavior_id)
    somebody = new_session()
    somebody.connect(stack.simulator_url)
    somebody.service("ALMotion").setStiffnesses("Head", 0.0)
    somebody.close()
    document = ended(store, behavior_id)
    assert document.error is not None
    assert (document.status, document.error.code, document.error.line) == ("failed", "robot.error", 4)
    assert engine.hung_up.acquire(timeout=WAIT_S)


def test_a_program_is_written_and_checked_for_the_robot_that_is_connected(
    store: JobStore, engine: ScriptedEngine, older_robot: ScriptedRobot
) -> None:
    beyond_it = 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_2")\n'
    while True:  # until the worker has looked at the robots
        engine.play([beyond_it])
        error = ended(store, submit(store, execute="robot")).error
        assert error is not None
        if error.code == "program.unavailable":
            break
        assert error.code == "call.unavailable", "the gateway knows at once"
    engine.play([HELLO + beyond_it], [HELLO + beyond_it], [HELLO])
    document = ended(store, submit(store, execute="robot"))
    assert document.error is not None
    assert (document.status, document.error.code, document.error.line) == ("failed", "program.unavailable", 3)
    assert document.error.message.startswith("not on the connected robot: ALAnimationPlayer.run: animation")
    assert (document.actions, "ALTextToSpeech.say" in older_robot.calls) == ([], False)
    assert "Hey_2" not in engine.requests[0]["grammar"]
    assert "Hey_1" in engine.requests[0]["grammar"]
    assert ended(store, submit(store)).status == "succeeded"  # the simulated one has it
    assert ended(store, submit(store, execute="robot")).status == "succeeded"
    assert "ALTextToSpeech.say" in older_robot.calls


def test_a_gateway_that_is_killed_fails_the_behaviour_and_stills_the_robot_when_it_is_back(
    stack: Stack, store: JobStore, engine: ScriptedEngine
) -> None:
    robot = new_session()
    robot.connect(stack.simulator_url)
    motion = robot.service("ALMotion")
    engine.play(['ALMotion.move(0.05, 0.0, 0.0)\nfor i in range(20):\n    ALTextToSpeech.say("I walk on and on")\n'])
    behavior_id = submit(store)
    first_action(store, behavior_id)

    stack.kill("gateway")
    try:
        document = ended(store, behavior_id)
        assert motion.moveIsActive(), "nobody is there to stop it"
    finally:
        stack.start("gateway")

    assert document.error is not None
    assert (document.status, document.error.code) == ("failed", "robot.unreachable")
    assert "gateway was lost" in document.error.message
    unanswered = document.actions[-1]
    assert (unanswered.method, unanswered.interrupted, unanswered.took_s) == ("say", True, None)
    assert [action.interrupted for action in document.actions[:-1]] == [False] * (len(document.actions) - 1)
    assert len(document.actions) > 1
    assert not motion.moveIsActive()
    robot.close()
    assert ended(store, submit(store)).status == "succeeded"


def test_after_an_emergency_stop_what_is_being_generated_does_not_act(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO, Hold()], [HELLO])
    behavior_id = submit(store)
    assert engine.holding.acquire(timeout=WAIT_S)

    store.stop_robot("nao")
    engine.release()

    document = ended(store, behavior_id)
    assert document.status == "cancelled"
    assert document.error is not None
    assert document.error.code == "robot.stopped"
    assert document.actions == []
    assert events(store, behavior_id)[-1].name == "cancelled"
    assert ended(store, submit(store)).status == "succeeded"


def test_a_cancellation_at_any_moment_has_one_end_at_once(store: JobStore, engine: ScriptedEngine) -> None:
    engine.play([HELLO])
    statuses = set()
    for moment in range(40):
        behavior_id = submit(store)
        time.sleep(moment * 0.005)  # sweeps over the time that one takes
        store.cancel(behavior_id)
        document = ended(store, behavior_id)
        assert document.status in ("succeeded", "cancelled"), document.error
        statuses.add(document.status)
    assert statuses == {"succeeded", "cancelled"}
