"""How long the emergency stop takes while a robot walks: pressed over HTTP at the router, as people press it.

A behaviour makes the simulated NAO walk three metres, in a call that blocks for half a minute; others wait, in line for
the robot and in the queue. Then ``POST /v1/robots/nao/stop``, measured at the client, and a look at the robot itself
the moment the answer is there. Everything runs in processes of its own, as in a deployment.
"""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from loadtest.bars import percentile
from loadtest.processes import fake_engine
from services.embedded.stack import Stack
from services.robot.qi_session import new_session

BAR_MS = 150.0
_WALK = "ALMotion.moveTo(3.0, 0.0, 0.0)\n"
_WAIT_S = 30.0


@dataclass
class Stops:
    """What was seen of some stops; times in milliseconds."""

    answered_ms: list[float] = field(default_factory=list)
    """From sending the request to having the answer."""
    gateway_ms: list[float] = field(default_factory=list)
    """What the gateway itself took, as it says."""
    still_walking: int = 0
    """Stops after whose answer the robot walked on."""
    not_ended: int = 0
    """Behaviours, walking or waiting, that did not end as cancelled."""

    @property
    def met(self) -> bool:
        """Whether every stop was heard in time and ended everything."""
        return max(self.answered_ms) < BAR_MS and not self.still_walking and not self.not_ended

    def lines(self) -> Iterator[str]:
        """The figures, for people."""
        ordered = sorted(self.answered_ms)
        yield (
            f"emergency stop during a blocking walk, {len(ordered)} times, request to answer: "
            f"p50 {percentile(ordered, 50):.1f} ms, p99 {percentile(ordered, 99):.1f} ms, most {ordered[-1]:.1f} ms "
            f"(in the gateway p50 {statistics.median(self.gateway_ms):.1f} ms); bar {BAR_MS:.0f} ms"
        )
        yield f"robots that walked on: {self.still_walking}; behaviours that were not cancelled: {self.not_ended}"


def measure(count: int) -> Stops:
    """Press the stop so many times. Raises StackError or StartError when something does not start."""
    stops = Stops()
    with fake_engine("--program", _WALK) as engine:
        # One behaviour in hand beside the one that walks: the third waits in the queue.
        env = {"LLAMACPP_URL": engine, "WARM_UP_S": "0", "WORKER_MAX_ACTIVE": "2"}
        with Stack(("store", "simulator", "gateway", "worker", "router"), env=env, robot_speed=1.0) as stack:
            robot = new_session()
            robot.connect(stack.simulator_url)
            motion = robot.service("ALMotion")
            for _ in range(count):
                _stop_once(stack.router_url, motion, stops)
            robot.close()
    return stops


def _stop_once(router: str, motion: Any, stops: Stops) -> None:
    names = [_ask(router, "POST", "/v1/behaviors", {"instruction": "Walk"})["id"] for _ in range(3)]
    give_up = time.monotonic() + _WAIT_S
    while not motion.moveIsActive():
        if time.monotonic() > give_up:
            raise TimeoutError("the robot does not begin to walk")
        time.sleep(0.005)
    began = time.perf_counter()
    report = _ask(router, "POST", "/v1/robots/nao/stop")
    stops.answered_ms.append((time.perf_counter() - began) * 1000)
    stops.still_walking += motion.moveIsActive()
    stops.gateway_ms.append(report["took_ms"])
    for name in names:
        while (status := _ask(router, "GET", f"/v1/behaviors/{name}")["status"]) in ("queued", "running"):
            if time.monotonic() > give_up:
                break
            time.sleep(0.005)
        stops.not_ended += status != "cancelled"


def _ask(router: str, method: str, path: str, body: Any = None) -> Any:
    connection = http.client.HTTPConnection(urlsplit(router).netloc, timeout=10)
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json"} if text else {})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def main(count: int) -> int:
    """Measure and print; 0 if every stop was in time and ended everything."""
    stops = measure(count)
    print(*stops.lines(), sep="\n", flush=True)
    return 0 if stops.met else 1
