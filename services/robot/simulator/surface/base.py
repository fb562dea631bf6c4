"""What every service has in common: binding, logging, locking, and calls that last without holding a thread.

qi runs calls on few threads and grows slowly, so a call that slept would delay an emergency stop. A method that takes
time returns an ``Activity``; qi gets a future that is set when the activity ends.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import qi

from services.robot.simulator.clock import Activity
from services.robot.simulator.nao import Nao

Method = Callable[..., Any]


class Service:
    """A NAOqi service of the simulated robot; its class name is the service's name."""

    def __init__(self, nao: Nao) -> None:
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
        def call(self: Service, *args: Any) -> Any:
            service, nao = type(self).__name__, self._nao
            with nao.lock:
                if logged:
                    nao.record(service, bound, args)
                try:
                    answer = function(self, *args)
                except (ValueError, TypeError, RuntimeError) as error:
                    return _failed(f"{service}::{bound}: {error}")
            return _future(answer, result) if isinstance(answer, Activity) else answer

        return qi.bind(returns, params, bound)(call)  # type: ignore[no-any-return]

    return decorate


def _failed(message: str) -> Any:
    promise = qi.Promise()
    promise.setError(message)
    return promise.future()


def _future(activity: Activity, result: Any) -> Any:
    promise = qi.Promise()
    # A call that was cut short still returns, as NAOqi's blocking calls do; one that answers bool says so.
    activity.when_done(lambda completed: promise.setValue(completed if result is bool else result))
    return promise.future()
