"""What every service has in common: binding, logging, locking, and calls that last without holding a thread.

qi runs calls on few threads and grows slowly, so a call that slept would delay an emergency stop. A method that takes
time returns an ``Activity``; qi gets a future that is set when the activity ends.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import qi

from services.robot.simulator.clock import Activity, Clock
from services.robot.simulator.nao import Nao

Method = Callable[..., Any]


class Simulated(Protocol):
    """What every simulated robot has, whichever robot it is."""

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held around every use."""

    @property
    def clock(self) -> Clock:
        """The robot's own time."""

    def record(self, service: str, method: str, args: tuple[Any, ...]) -> None:
        """Note a call."""

    def prepare(self, posture: str, battery: int) -> None:
        """Be as a scene says; an empty posture and a battery below zero say nothing."""

    def snapshot_json(self) -> str:
        """The whole state as a JSON object."""

    def settled(self) -> Activity:
        """What ends when it is known how the robot ends."""

    def recording_json(self) -> str:
        """What it did since it was prepared, see ``services.picture.recording``; nothing if that is not kept."""


class Surface:
    """A service of a simulated robot; its class name is the service's name."""

    def __init__(self, robot: Simulated) -> None:
        self._robot = robot


class Service(Surface):
    """A NAOqi service of the simulated NAO."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._nao = nao


def method(
    returns: Any, *params: Any, name: str | None = None, result: Any = None, logged: bool = True
) -> Callable[[Method], Method]:
    """Bind a method under qi types.

    ``name`` gives overloads one name; ``result`` is what a finished activity returns, ``bool`` for whether it ran its
    course; calls of methods that are not ``logged`` leave no trace in the robot's log.

    Declared types are what clients see; qi does not enforce them, so the model checks what it is given. An error of
    the model becomes an error of the call, in NAOqi's form "Service::method: what was wrong".
    """

    def decorate(function: Method) -> Method:
        bound = name or function.__name__

        @functools.wraps(function)
        def call(self: Surface, *args: Any) -> Any:
            service, robot = type(self).__name__, self._robot
            with robot.lock:
                if logged:
                    robot.record(service, bound, args)
                try:
                    answer = function(self, *args)
                except (ValueError, TypeError, RuntimeError) as error:
                    return _failed(f"{service}::{bound}: {error}")
            return _future(answer, result, f"{service}::{bound}") if isinstance(answer, Activity) else answer

        call.plain = (bound, len(params)), (function, result is bool)  # type: ignore[attr-defined]
        return qi.bind(returns, params, bound)(call)  # type: ignore[no-any-return]

    return decorate


def plain_methods(service: type[Surface]) -> dict[tuple[str, int], tuple[Method, bool]]:
    """Return a service's methods by name and number of arguments, as they are without qi.

    With each goes whether its call answers, once its activity has ended, whether that ran its course.
    """
    methods = (getattr(service, name) for name in dir(service))
    return dict(method.plain for method in methods if hasattr(method, "plain"))


def _failed(message: str) -> Any:
    promise = qi.Promise()
    promise.setError(message)
    return promise.future()


def _future(activity: Activity, result: Any, called: str) -> Any:
    promise = qi.Promise()

    def done(completed: bool) -> None:
        if activity.error is not None:
            promise.setError(f"{called}: {activity.error}")
        else:
            # A call that was cut short still returns, as NAOqi's blocking calls do; one that answers bool says so.
            promise.setValue(completed if result is bool else result)

    activity.when_done(done)
    return promise.future()
