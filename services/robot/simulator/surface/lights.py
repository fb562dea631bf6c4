"""ALLeds."""

from __future__ import annotations

from typing import Any

import qi

from services.robot.simulator.clock import Activity
from services.robot.simulator.lights import GROUPS, RANDOM, RASTA
from services.robot.simulator.surface.base import Service, method


@qi.multiThreaded()
class ALLeds(Service):
    """Lights."""

    @method(qi.Void, qi.String, qi.Dynamic, qi.Float)
    def fadeRGB(self, group: str, colour: Any, seconds: float) -> Activity:
        return self._nao.lights.fade_rgb(group, colour, seconds)

    @method(qi.Void, qi.String, qi.Float, qi.Float)
    def fade(self, group: str, intensity: float, seconds: float) -> Activity:
        return self._nao.lights.fade(group, intensity, seconds)

    @method(qi.Void, qi.String, qi.Float)
    def setIntensity(self, group: str, intensity: float) -> Activity:
        return self._nao.lights.fade(group, intensity, 0.0)

    @method(qi.Void, qi.String)
    def on(self, group: str) -> Activity:
        return self._nao.lights.fade(group, 1.0, 0.0)

    @method(qi.Void, qi.String)
    def off(self, group: str) -> Activity:
        return self._nao.lights.fade(group, 0.0, 0.0)

    @method(qi.Void, qi.String)
    def reset(self, group: str) -> Activity:
        return self._nao.lights.reset(group)

    @method(qi.Void, qi.Float)
    def rasta(self, seconds: float) -> Activity:
        return self._nao.lights.show(seconds, RASTA)

    @method(qi.Void, qi.Float)
    def randomEyes(self, seconds: float) -> Activity:
        return self._nao.lights.show(seconds, RANDOM)

    @method(qi.Void, qi.Int32, qi.Float, qi.Float)
    def rotateEyes(self, rgb: int, turn_s: float, seconds: float) -> Activity:
        return self._nao.lights.show(seconds, (rgb & 0xFFFFFF, 0))

    @method(qi.List(qi.String))
    def listGroups(self) -> list[str]:
        return list(GROUPS)
