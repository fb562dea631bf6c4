"""The service called ``robot`` of the simulated Porter."""

from __future__ import annotations

from typing import Any

import qi

from services.robot.simulator.clock import Activity
from services.robot.simulator.porter.house import ROOMS
from services.robot.simulator.porter.model import Porter
from services.robot.simulator.surface.base import Surface, method


@qi.multiThreaded()
class robot(Surface):
    """All that it can do."""

    def __init__(self, porter: Porter) -> None:
        super().__init__(porter)
        self._porter = porter

    @method(qi.Void, qi.String)
    def go_to(self, room: str) -> Activity:
        return self._porter.go_to(room)

    @method(qi.Void, qi.String)
    def say(self, text: str) -> Activity:
        return self._porter.voice.say(text)

    @method(qi.String, qi.String, qi.String, qi.List(qi.String))
    def ask(self, person: str, question: str, options: list[str]) -> Any:
        promise = qi.Promise()
        asked = self._porter.ask(question, options)
        asked.when_done(lambda completed: promise.setValue(options[0] if completed else ""))
        return promise.future()

    @method(qi.Void, qi.String)
    def pick(self, thing: str) -> Activity:
        return self._porter.pick(thing)

    @method(qi.Void, qi.String)
    def place(self, thing: str) -> Activity:
        return self._porter.place(thing)

    @method(qi.Bool, qi.String)
    def is_in_room(self, what: str) -> bool:
        return self._porter.sees(what)

    @method(qi.String)
    def get_current_location(self) -> str:
        return self._porter.room()

    @method(qi.List(qi.String))
    def get_all_rooms(self) -> list[str]:
        return list(ROOMS)

    @method(qi.Int32)
    def get_battery(self) -> int:
        return self._porter.battery

    @method(qi.List(qi.Float))
    def get_pose(self) -> list[float]:
        return list(self._porter.pose())

    @method(qi.Bool)
    def is_driving(self) -> bool:
        return self._porter.driving()

    @method(qi.Void)
    def stop_driving(self) -> None:
        self._porter.stop_driving()

    @method(qi.Void)
    def stop(self) -> None:
        self._porter.stop()
