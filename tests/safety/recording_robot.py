"""A robot on a real qi session that does nothing but write down what it is told, and answers as a case says."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import qi

from services.behavior.scene import Pose
from services.robot.qi_session import new_session
from tests.safety.oracle import Oracle

_RETURNS = {"none": None, "any": 1.0, "bool": True, "int": 80, "float": 1.0, "str": "Stand"}
_MOST_TRAPPED_ARGUMENTS = 3
_SPEED = 1000.0


@qi.multiThreaded()
class SimulatedClock:
    """The robot's time passes quickly, because programs may wait."""

    @qi.bind(qi.Double, ())
    def now(self) -> float:
        """Seconds."""
        return time.monotonic() * _SPEED

    @qi.bind(qi.Double, ())
    def speed(self) -> float:
        """Seconds of the robot in one of ours."""
        return _SPEED


@qi.multiThreaded()
class SimulatedState:
    """What every robot with a time of its own has; this one stands always alike, and keeps no recording."""

    @qi.bind(qi.Void, (qi.String, qi.Int32))
    def prepare(self, posture: str, battery: int) -> None:
        """Nothing to do."""

    @qi.bind(qi.String, ())
    def recording(self) -> str:
        """Nothing to tell."""
        return ""


class RecordingRobot:
    """Has every method of the catalogue, also those that are denied: a call that should never come must be seen."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._lock = threading.Lock()
        self._calls: list[tuple[str, list[Any]]] = []
        self._answers: dict[str, Any] = {}
        self._asked: Counter[str] = Counter()
        self._pose = Pose()
        self._session = new_session()
        self._session.listenStandalone("tcp://127.0.0.1:0")
        self.url = str(self._session.endpoints()[0])
        for service in (SimulatedClock, SimulatedState):
            self._session.registerService(service.__name__, service())
        for name, methods in self._surface().items():
            body = {f"{method}{arity}": self._bound(name, method, arity) for method, arity in sorted(methods)}
            service = qi.multiThreaded()(type(name, (), body))
            self._session.registerService(name, service())

    def begin(self, answers: dict[str, Any]) -> None:
        """Forget what was called, and answer so from now on: by ``Service.method``, or ``….2`` for the second call."""
        with self._lock:
            self._calls, self._answers, self._asked, self._pose = [], answers, Counter(), Pose()

    def calls(self) -> list[tuple[str, list[Any]]]:
        """What was called on a program's behalf, in order: all but the gateway's own reads and stops."""
        with self._lock:
            return [(call, args) for call, args in self._calls if not self._oracle.is_own(call, args)]

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> RecordingRobot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _surface(self) -> dict[str, set[tuple[str, int]]]:
        """Service → its methods, each with every number of arguments that it takes."""
        surface: dict[str, set[tuple[str, int]]] = {}
        for call, forms in self._oracle.methods.items():
            service, method = call.split(".")
            surface.setdefault(service, set()).update((method, len(form["args"])) for form in forms)
        for call, args in self._control():
            service, method = call.split(".")
            surface.setdefault(service, set()).add((method, len(args)))
        for call in self._oracle.document["deny"]:
            service, method = call.split(".")
            surface.setdefault(service, set()).update((method, arity) for arity in range(_MOST_TRAPPED_ARGUMENTS + 1))
        return surface

    def _control(self) -> Iterator[tuple[str, list[Any]]]:
        control = self._oracle.document["control"]
        for name, entry in control.items():
            for call in entry if isinstance(entry, list) else [entry]:
                args = call.get("args", [])
                yield f"{call['service']}.{call['method']}", [*args, "joint"] if name == "limits" else args

    def _bound(self, service: str, method: str, arity: int) -> Callable[..., Any]:
        def call(_: object, *args: Any) -> Any:
            return self._answer(f"{service}.{method}", [_plain(value) for value in args])

        return qi.bind(qi.Dynamic, (qi.Dynamic,) * arity, method)(call)  # type: ignore[no-any-return]

    def _answer(self, call: str, args: list[Any]) -> Any:
        with self._lock:
            self._calls.append((call, args))
            self._asked[call] += 1
            self._pose = self._pose.moved(*self._oracle.displacement(call, args))
            for key in (f"{call}.{self._asked[call]}", call):
                if key in self._answers:
                    return self._answers[key]
        return self._usual(call, args)

    def _usual(self, call: str, args: list[Any]) -> Any:
        """What a robot that has all and is well would answer."""
        control = self._oracle.document["control"]
        pose = [self._pose.x, self._pose.y, self._pose.theta]
        for name, answer in (("position", pose), ("walking", False)):
            if name in control and call == f"{control[name]['service']}.{control[name]['method']}":
                return answer
        if "limits" in control and call == f"{control['limits']['service']}.{control['limits']['method']}":
            joints = self._oracle.joints_of(args[-1])
            return [[joint["min"], joint["max"], joint["max_velocity"], 0.0] for joint in joints]
        for name, enum in self._oracle.document["enums"].items():
            if (installed := enum.get("installed")) and call == f"{installed['service']}.{installed['method']}":
                return self._oracle.names[name]
        returns = self._oracle.methods.get(call, [{}])[0].get("returns", "none")
        if returns == "list[float]":
            return [0.0] * max(2, len(self._oracle.joints_of(args[0])) if args else 0)
        return ["Stand"] if returns == "list[str]" else _RETURNS[returns]


def _plain(value: Any) -> Any:
    """What qi hands over, in plain types."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
