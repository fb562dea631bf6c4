"""Hostile requests through queue, worker, an engine that does as the attacker says, gateway and sandbox to a robot."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from services.behavior.schema import BehaviorRequest, BehaviorResult
from services.embedded.stack import Stack
from services.jobs.settings import JobSettings
from services.jobs.store import JobStore, connect
from tests.contract.worker.scripted_engine import ScriptedEngine
from tests.safety.cases import Case, RequestCase
from tests.safety.oracle import oracle
from tests.safety.recording_robot import RecordingRobot
from tests.safety.trial import Outcome

WAIT_S = 60.0


class Obedient:
    """A running stack whose engine writes what the attacker wants."""

    def __init__(self, engine: ScriptedEngine, robot: RecordingRobot, store: JobStore) -> None:
        self._engine = engine
        self._robot = robot
        self._store = store

    def program(self, case: Case, mode: str) -> Outcome:
        """A harmless request that is answered by a hostile program."""
        request = BehaviorRequest(instruction="Wave", scene=case.scene, mode=mode)
        return self._outcome(request, case.text, case.answers)

    def request(self, case: RequestCase, mode: str) -> Outcome:
        """A hostile request that is answered as it wants. A picture is left out: this engine has no eyes."""
        request = case.request.model_copy(update={"mode": mode, "image": None})
        return self._outcome(request, case.wanted, {})

    def _outcome(self, request: BehaviorRequest, program: str, answers: dict[str, object]) -> Outcome:
        self._engine.play([program])
        self._robot.begin(answers)
        identity = self._store.submit(request, backend="llamacpp").id
        document = self._store.wait(identity, WAIT_S)
        if document is None:
            raise TimeoutError(f"no end of {request.instruction!r} within {WAIT_S:g} s")
        code = document.error.code if document.error is not None else document.status
        message = document.error.message if document.error is not None else ""
        return Outcome(_layer(document, code), code, message, self._robot.calls(), document.refusal is not None)


def _layer(document: BehaviorResult, code: str) -> str:
    if document.status in ("succeeded", "refused"):
        return "none"
    kind = code.partition(".")[0]
    return kind if kind in ("call", "budget", "robot", "worker", "backend") else "program"


@contextmanager
def obedient() -> Iterator[Obedient]:
    """Start the stack."""
    engine = ScriptedEngine()
    # Readers hang up on programs that are refused; that is no news.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    url = engine.start()
    try:
        with RecordingRobot(oracle("nao")) as robot:
            settings = {"LLAMACPP_URL": url, "SIMULATOR_URL": robot.url, "BATCH_INTERVAL_MS": "5", "WARM_UP_S": "0"}
            with Stack(("store", "gateway", "worker"), env=settings) as stack:
                jobs = JobSettings(redis_url=stack.redis_url)
                yield Obedient(engine, robot, JobStore(connect(jobs), jobs))
    finally:
        engine.stop()
