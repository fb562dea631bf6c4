"""Robots on real qi sessions whose services, answers and lacks a test writes, made from a catalogue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import qi

from services.behavior.catalogue import Catalogue, load_catalogue
from services.behavior.methods import Call
from services.behavior.waiting import TIME
from services.robot.qi_session import new_session

Answer = Callable[..., Any]
Services = dict[str, dict[str, set[int]]]
"""Service → method → how many arguments its forms take."""


def services_of(catalogue: Catalogue) -> Services:
    """Everything that programs may call on a robot, and what the gateway calls on its own account."""
    services: Services = {}
    for service, method in catalogue.calls:
        if service == TIME:  # no robot has it
            continue
        services.setdefault(service, {}).setdefault(method.name, set()).add(len(method.args))
    own = [value for _, value in catalogue.control if isinstance(value, Call)]
    own += [*catalogue.control.stop, *(enum.installed for enum in catalogue.enums.values() if enum.installed)]
    for call in own:
        arguments = len(call.args) + (call == catalogue.control.limits)
        services.setdefault(call.service, {}).setdefault(call.method, set()).add(arguments)
    return services


class ScriptedRobot:
    """A robot that listens from construction until ``close`` and notes what it is called.

    ``answers`` says what calls such as ``ALMotion.moveTo`` do, given their arguments; others answer nothing. A
    ValueError is an error of the call, and a ``qi.Future`` may be answered later.
    """

    def __init__(self, services: Services, answers: Mapping[str, Answer], port: int = 0) -> None:
        self.calls: list[str] = []
        self._session = new_session()
        self._session.listenStandalone(f"tcp://127.0.0.1:{port}")
        self.url = str(self._session.endpoints()[0])
        self._answers = answers
        self._ids = {name: self._register(name, methods) for name, methods in services.items()}

    def _register(self, name: str, methods: dict[str, set[int]]) -> int:
        forms = [(method, arity) for method, arities in methods.items() for arity in arities]
        namespace = {f"{method}_{arity}": self._method(name, method, arity) for method, arity in forms}
        service = qi.multiThreaded()(type(name, (), namespace))()
        return int(self._session.registerService(name, service))

    def _method(self, service: str, method: str, arity: int) -> Any:
        name = f"{service}.{method}"

        def call(_: object, *args: Any) -> Any:
            self.calls.append(name)
            answer = self._answers.get(name)
            return None if answer is None else answer(*args)

        return qi.bind(qi.Dynamic, [qi.Dynamic] * arity, method)(call)

    def take_away(self, service: str) -> None:
        """As when one of the robot's own programs crashes."""
        self._session.unregisterService(self._ids.pop(service))

    def bring(self, service: str, methods: dict[str, set[int]]) -> None:
        """As when one of the robot's own programs starts."""
        self._ids[service] = self._register(service, methods)

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> ScriptedRobot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Walk:
    """Walking that blocks until it is stopped."""

    def __init__(self, begins_after_s: float = 0.0) -> None:
        self.walking = False
        self._begins_after_s = begins_after_s
        self._lock = threading.Lock()
        self._promise: Any = None

    def move_to(self, *_: float) -> Any:
        promise = qi.Promise()

        def begin() -> None:
            with self._lock:
                self.walking, self._promise = True, promise

        threading.Timer(self._begins_after_s, begin).start() if self._begins_after_s else begin()
        return promise.future()

    def stop(self) -> None:
        with self._lock:
            self.walking, promise, self._promise = False, self._promise, None
        if promise is not None:
            promise.setValue(None)

    @property
    def answers(self) -> dict[str, Answer]:
        return {
            "ALMotion.moveTo": self.move_to,
            "ALMotion.stopMove": self.stop,
            "ALMotion.moveIsActive": lambda: self.walking,
        }


NAO = load_catalogue("nao")
#: What an older NAO has no idea of, beside what ``older_nao`` says.
HEAD_YAW = (-1.2, 1.2, 5.0)
POSTURES = ["Stand", "StandInit", "Crouch", "Sit"]
ANIMATIONS = ["animations/Stand/Gestures/Hey_1", "animations/Stand/Gestures/Yes_1", "animations/Stand/Own/Dance_1"]
WRISTS = {"LWristYaw", "RWristYaw", "LHand", "RHand"}


def older_nao(walk: Walk, port: int = 0) -> ScriptedRobot:
    """A NAO without sonars, wrists and most animations, whose head turns less and whose voice has no languages."""
    services = services_of(NAO)
    del services["ALSonar"]
    services["ALTextToSpeech"]["say"] = {1}
    del services["ALLeds"]["rasta"]

    def limits(joint: str) -> list[list[float]]:
        if joint in WRISTS:
            raise ValueError(f"no joint {joint}")
        if joint == "HeadYaw":
            return [[*HEAD_YAW, 1.0]]
        known = NAO.joints[joint]
        return [[known.min - 0.1, known.max + 0.1, known.max_velocity * 2, 1.0]]  # never wider than the catalogue

    def no_list() -> None:
        raise ValueError("no such list on this version")

    answers: dict[str, Answer] = {
        "ALMotion.getLimits": limits,
        "ALMotion.getRobotPosition": lambda _: [0.0, 0.0, 0.0],
        "ALRobotPosture.getPostureList": lambda: POSTURES,
        "ALRobotPosture.getPosture": lambda: "Stand",
        "ALBehaviorManager.getInstalledBehaviors": lambda: ANIMATIONS,
        "ALTextToSpeech.getAvailableLanguages": lambda: ["English", "Klingon"],
        "ALLeds.listGroups": no_list,
        "ALBattery.getBatteryCharge": lambda: 42,
    }
    return ScriptedRobot(services, answers | walk.answers, port)
