"""ALBattery, ALSonar and ALMemory."""

from __future__ import annotations

from typing import Any

import qi

from services.robot.simulator.nao import Nao
from services.robot.simulator.surface.base import Service, method
from services.robot.simulator.surface.sense import MAX_NAMES, Sense

NOTHING_AHEAD_M = 5.0  # what a sonar reports when it hears no echo
_SONAR = "Device/SubDeviceList/US/{}/Sensor/Value"
_BATTERY = "Device/SubDeviceList/Battery/Charge/Sensor/Value"
_FALLEN = "robotHasFallen"
_TOUCHED = (
    "FrontTactilTouched", "MiddleTactilTouched", "RearTactilTouched", "LeftBumperPressed", "RightBumperPressed",
    "HandLeftBackTouched", "HandLeftLeftTouched", "HandLeftRightTouched", "HandRightBackTouched",
    "HandRightLeftTouched", "HandRightRightTouched",
)  # fmt: skip


@qi.multiThreaded()
class ALBattery(Service):
    """Battery."""

    @method(qi.Int32)
    def getBatteryCharge(self) -> int:
        return self._nao.battery


@qi.multiThreaded()
class ALSonar(Sense):
    """Sonars in the chest; the simulated world has no obstacles."""

    @method(qi.List(qi.Float))
    def getFilteredValues(self) -> list[float]:
        return [NOTHING_AHEAD_M, NOTHING_AHEAD_M]


class Subscriber:
    """What the memory gives to those who want to hear of an event."""

    def __init__(self) -> None:
        self.signal = qi.Signal("(m)")


@qi.multiThreaded()
class ALMemory(Service):
    """The robot's memory: sensor values, and whatever clients put into it."""

    def __init__(self, nao: Nao) -> None:
        super().__init__(nao)
        self._values: dict[str, Any] = {
            _SONAR.format("Left"): NOTHING_AHEAD_M,
            _SONAR.format("Right"): NOTHING_AHEAD_M,
            "FaceDetected": [],
            "WordRecognized": ["", 0.0],
            **dict.fromkeys(_TOUCHED, 0.0),
        }
        self._subscribers: dict[str, Subscriber] = {}
        nao.motion.on_fall = lambda: self._tell(_FALLEN, True)

    @method(qi.Dynamic, qi.String)
    def getData(self, key: str) -> Any:
        if key == _BATTERY:
            return self._nao.battery / 100
        if key == _FALLEN:
            return self._nao.motion.fall is not None
        if key not in self._values:
            raise ValueError(f"there is no data under {key!r}")
        return self._values[key]

    @method(qi.Void, qi.String, qi.Dynamic)
    def insertData(self, key: str, value: Any) -> None:
        self._keep(key, value)

    @method(qi.Void, qi.String, qi.Dynamic)
    def raiseEvent(self, key: str, value: Any) -> None:
        self._keep(key, value)
        self._tell(key, value)

    @method(qi.Object, qi.String)
    def subscriber(self, key: str) -> Subscriber:
        if key not in self._subscribers and len(self._subscribers) >= MAX_NAMES:
            raise RuntimeError(f"{MAX_NAMES} events have subscribers already")
        return self._subscribers.setdefault(key, Subscriber())

    @method(qi.List(qi.String))
    def getDataListName(self) -> list[str]:
        return [_BATTERY, _FALLEN, *self._values]

    def _tell(self, key: str, value: Any) -> None:
        if key in self._subscribers:
            self._subscribers[key].signal(value)

    def _keep(self, key: str, value: Any) -> None:
        if key not in self._values and len(self._values) >= MAX_NAMES:
            raise RuntimeError(f"the memory holds {MAX_NAMES} keys already")
        self._values[key] = value
