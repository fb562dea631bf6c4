"""The simulated Porter: driving between rooms, carrying one thing, speaking and asking."""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from services.robot.simulator.clock import Activity, Clock
from services.robot.simulator.porter.house import PEOPLE, ROOMS, THINGS, nearest
from services.robot.simulator.voice import Voice

SPEED = 0.5  # metres per second
GRASP_S = 4.0
ANSWER_S = 2.0  # what a person needs to answer
LOGGED_CALLS = 200


class Porter:
    """A Porter that starts in the lobby with nothing in its hands.

    ``lock`` must be held around every use, because calls arrive on many threads. Lengths are metres.
    """

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.voice = Voice(clock)
        self.battery = 100
        self.holding: str | None = None
        self._things = {room: set(THINGS.get(room, ())) for room in ROOMS}
        self._from = self._to = ROOMS["lobby"]
        self._heading = 0.0
        self._drive: Activity | None = None
        self._grasp: Activity | None = None
        self._question: Activity | None = None
        self._calls: deque[dict[str, Any]] = deque(maxlen=LOGGED_CALLS)
        self._called = 0

    # --- driving -----------------------------------------------------------------------------------------------------

    def go_to(self, room: str) -> Activity:
        """Drive straight to the middle of a room."""
        if room not in ROOMS:
            raise ValueError(f"there is no room {room!r}; rooms: {', '.join(ROOMS)}")
        self.stop_grasping()
        self.stop_driving()
        (x, y), (to_x, to_y) = self._from, ROOMS[room]
        self._to = ROOMS[room]
        if (x, y) != (to_x, to_y):
            self._heading = math.atan2(to_y - y, to_x - x)
        self._drive = Activity(self.clock, self.clock.now() + math.dist(self._from, self._to) / SPEED)
        return self._drive

    def driving(self) -> bool:
        return self._drive is not None and self._drive.completed is None

    def pose(self) -> tuple[float, float, float]:
        """x, y and heading: metres from where it was switched on, radians."""
        x, y = self._place()
        return x, y, self._heading

    def room(self) -> str:
        """The room that it is in, or is nearest to."""
        return nearest(*self._place())

    def stop_driving(self) -> None:
        """Stand still where it is."""
        self._from = self._to = self._place()
        if self._drive is not None:
            self._drive.stop()
            self._drive = None

    def _place(self) -> tuple[float, float]:
        if self._drive is None:
            return self._from
        lasts = self._drive.ends - self._drive.starts
        share = min(1.0, (self.clock.now() - self._drive.starts) / lasts) if lasts else 1.0
        (x, y), (to_x, to_y) = self._from, self._to
        return x + share * (to_x - x), y + share * (to_y - y)

    # --- carrying ----------------------------------------------------------------------------------------------------

    def pick(self, thing: str) -> Activity:
        """Take a thing that lies in the room."""
        if self.holding is not None:
            raise RuntimeError(f"it holds the {self.holding} already; place that first")
        here = self._standing_in()
        if thing not in self._things[here]:
            raise RuntimeError(f"there is no {thing} in the {here}")

        def held() -> None:
            self._things[here].discard(thing)
            self.holding = thing

        return self._begin_grasp(held)

    def place(self, thing: str) -> Activity:
        """Put down the thing that it holds."""
        if self.holding != thing:
            raise RuntimeError(
                f"it holds {'nothing' if self.holding is None else f'the {self.holding}'}, not the {thing}"
            )
        here = self._standing_in()

        def put() -> None:
            self._things[here].add(thing)
            self.holding = None

        return self._begin_grasp(put)

    def stop_grasping(self) -> None:
        """Stop the arm; what it was about to take stays, and what it held it holds."""
        if self._grasp is not None:
            self._grasp.stop()
            self._grasp = None

    def _standing_in(self) -> str:
        if self.driving():
            raise RuntimeError("it is driving; wait until it is there")
        return self.room()

    def _begin_grasp(self, done: Callable[[], None]) -> Activity:
        self.stop_grasping()
        self._grasp = Activity(self.clock, self.clock.now() + GRASP_S)
        self._grasp.when_done(lambda completed: done() if completed else None)
        return self._grasp

    # --- seeing and speaking -----------------------------------------------------------------------------------------

    def sees(self, what: str) -> bool:
        """Whether a person or a thing is in the room."""
        here = self.room()
        return here in PEOPLE if what == "person" else what in self._things[here]

    def ask(self, question: str, options: list[str]) -> Activity:
        """Ask, and wait for the answer of somebody who always takes the first option."""
        if not options or not all(isinstance(option, str) and option.strip() for option in options):
            raise ValueError(f"options are a list of texts, not {options!r}")
        self._question = Activity(self.clock, self.voice.say(question).ends + ANSWER_S)
        return self._question

    # --- as a whole --------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop everything at once."""
        self.stop_driving()
        self.stop_grasping()
        self.voice.stop_all()
        if self._question is not None:
            self._question.stop()

    def record(self, service: str, method: str, args: tuple[Any, ...]) -> None:
        self._called += 1
        call = {"at_s": round(self.clock.now(), 3), "service": service, "method": method, "args": repr(args)[:500]}
        self._calls.append(call)

    def prepare(self, posture: str, battery: int) -> None:
        """Be still before a behaviour begins. It has one posture; a battery below zero leaves the charge as it is."""
        self.stop()
        if battery >= 0:
            self.battery = min(battery, 100)

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state: seconds, metres, radians; logs hold the latest entries only."""
        x, y, theta = self.pose()
        return {
            "time_s": round(self.clock.now(), 3),
            "speed": self.clock.speed,
            "room": self.room(),
            "pose": {"x": round(x, 4), "y": round(y, 4), "theta": round(theta, 4)},
            "walking": self.driving(),
            "holding": self.holding,
            "things": {room: sorted(things) for room, things in self._things.items()},
            "speech": self.voice.log(),
            "battery": self.battery,
            "called": self._called,
            "calls": list(self._calls),
        }

    def settled(self) -> Activity:
        """It does nothing that its calls do not wait for."""
        return Activity(self.clock, self.clock.now())

    def recording_json(self) -> str:
        """Nothing: there is no picture of a Porter."""
        return ""

    def snapshot_json(self) -> str:
        return json.dumps(self.snapshot(), ensure_ascii=False, allow_nan=False)
