"""The stack of the quick start, asked one item after the other; whatever happens, an answer comes in bounded time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import httpx

from services.behavior.schema import TERMINAL_STATUSES, BehaviorResult
from services.embedded.stack import Stack, StackError
from services.training.evaluation.answers import Answer
from services.training.evaluation.robot import Robot
from services.training.judging.expectation import Item
from services.training.judging.judge import judge

SERVICES = ("store", "engine", "simulator", "gateway", "worker", "router")
#: The robot's time passes so much faster than real time.
ROBOT_SPEED = 100.0
_ROUTER_S = 10.0
"""The longest that the router may be silent, beyond what it was asked to wait."""
_CANCEL_S = 10.0
_POLL_S = 0.05


class Engine:
    """A context manager. After a crash, or where nothing helps against a hang, the next item gets a new stack.

    Args:
        settings: environment of the stack.
        limit_s: seconds for one item.

    Raises:
        StackError: the stack does not come up, at first or after a crash.
    """

    def __init__(self, settings: Mapping[str, str], limit_s: float) -> None:
        self._settings = settings
        self._limit_s = limit_s
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    def __call__(self, item: Item) -> Answer:
        """Have one item carried out, and judge what came of it."""
        answer, broken = None, ""
        try:
            answer = self._ask(item)
        except (httpx.HTTPError, ValueError, RuntimeError) as error:  # the last is qi's
            broken = f"no answer: {type(error).__name__}: {error}"
        # A service can end without the router minding: what it is for is then waited for, in vain.
        broken = self._ended() or broken
        if broken:
            self._restart()
        if answer is None or (broken and not answer.passed):
            return Answer(id=item.id, passed=False, findings=[broken], ended="crash", result=None)
        return answer

    def _ask(self, item: Item) -> Answer:
        result = self._carry_out(item)
        if result.status in TERMINAL_STATUSES:
            verdict = judge(item, result)
            return Answer(id=item.id, passed=verdict.passed, findings=verdict.findings, ended="answered", result=result)
        result = self._cancel(result.id)
        if result.status not in TERMINAL_STATUSES:
            self._restart()
        finding = f"no end within {self._limit_s:g} s; it was cancelled"
        return Answer(id=item.id, passed=False, findings=[finding], ended="time-out", result=result)

    def _carry_out(self, item: Item) -> BehaviorResult:
        self._robot.put(item.scene.posture or "Stand")
        body = {"instruction": item.instruction, "scene": item.scene.model_dump(exclude_defaults=True)}
        return self._document(self._http.post(f"/v1/behaviors?wait={self._limit_s:g}", json=body))

    def _cancel(self, behavior: str) -> BehaviorResult:
        """What a cancelled behaviour has come to: its end, if that comes soon."""
        url, until = f"/v1/behaviors/{behavior}", time.monotonic() + _CANCEL_S
        result = self._document(self._http.delete(url))
        while result.status not in TERMINAL_STATUSES and time.monotonic() < until:
            time.sleep(_POLL_S)
            result = self._document(self._http.get(url))
        return result

    def _document(self, answer: httpx.Response) -> BehaviorResult:
        answer.raise_for_status()
        return BehaviorResult.model_validate_json(answer.content)

    def _ended(self) -> str:
        """Which service has ended and how; empty if none has."""
        try:
            self._stack.check()
        except StackError as error:
            return str(error).partition(" The end of ")[0]
        return ""

    def _start(self) -> None:
        self._stack = self._open.enter_context(Stack(SERVICES, env=self._settings, robot_speed=ROBOT_SPEED))
        http = httpx.Client(base_url=self._stack.router_url, timeout=self._limit_s + _ROUTER_S)
        self._http = self._open.enter_context(http)
        self._robot = Robot(self._stack.simulator_url)
        self._open.callback(self._robot.close)

    def _restart(self) -> None:
        self._open.close()
        self._start()
