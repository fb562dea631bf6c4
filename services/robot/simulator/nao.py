"""The simulated NAO as a whole: its parts, one lock, and what can be seen of it."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from typing import Any

from services.robot.simulator import animations, recorder
from services.robot.simulator.anatomy import JOINTS
from services.robot.simulator.clock import Activity, Clock
from services.robot.simulator.joints import require_finite
from services.robot.simulator.lights import Lights
from services.robot.simulator.motion import Motion
from services.robot.simulator.voice import Voice

LOGGED_CALLS = 200
_MOMENT_S = 0.001
_MARK = re.compile(r"\^(start|run|wait|stop|mode)\(([^()]*)\)")


class Nao:
    """A NAO that starts awake, standing, at the origin.

    ``lock`` must be held around every use, because calls arrive on many threads.
    """

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.motion = Motion(clock, self.lock)
        self.voice = Voice(clock)
        self.lights = Lights(clock)
        self.master_volume = 0.7
        self.battery = 100
        self.body_language = "contextual"
        self._playing: dict[str, list[Activity]] = {}
        self._sounds: list[Activity] = []
        self._since = clock.now()
        self._calls: deque[dict[str, Any]] = deque(maxlen=LOGGED_CALLS)
        self._called = 0

    # --- animations --------------------------------------------------------------------------------------------------

    def animate(self, path: str) -> Activity:
        """Play an installed animation; ValueError if there is none of that name."""
        keys = animations.keyframes(path, self.motion.joints())
        activity = self.motion.play(keys, animations.duration_s(path))
        running = [playing for playing in self._playing.get(path, []) if playing.completed is None]
        self._playing[path] = [*running, activity]
        return activity

    def stop_animation(self, path: str) -> None:
        for activity in self._playing.pop(path, []):
            activity.stop()

    def stop_animations(self) -> None:
        for path in list(self._playing):
            self.stop_animation(path)

    def playing(self) -> list[str]:
        return [path for path, activities in self._playing.items() if any(a.completed is None for a in activities)]

    def say_animated(self, text: str) -> Activity:
        """Speak, playing the animations that the text names: ``^start(path)`` beside it, ``^run(path)`` within it."""
        lasts, beside = 0.0, 0.0
        for mark, path in _MARK.findall(text):
            if mark in ("start", "run"):
                self.animate(path)
            if mark == "run":
                lasts += animations.duration_s(path)
            elif mark == "wait":
                beside = max(beside, animations.duration_s(path))
            elif mark == "stop":
                self.stop_animation(path)
        plain = " ".join(_MARK.sub(" ", text).split())
        return self.voice.say(plain, at_least_s=max(lasts, beside))

    # --- sounds ------------------------------------------------------------------------------------------------------

    def sound(self, seconds: float) -> Activity:
        (takes,) = require_finite([seconds], "the duration")
        activity = Activity(self.clock, self.clock.now() + max(0.0, takes))
        self._sounds = [sound for sound in self._sounds if sound.completed is None]
        self._sounds.append(activity)
        return activity

    def stop_sounds(self) -> None:
        sounds, self._sounds = self._sounds, []
        for activity in sounds:
            activity.stop()

    # --- what can be seen --------------------------------------------------------------------------------------------

    def record(self, service: str, method: str, args: tuple[Any, ...]) -> None:
        self._called += 1
        call = {"at_s": round(self.clock.now(), 3), "service": service, "method": method, "args": repr(args)[:500]}
        self._calls.append(call)

    def prepare(self, posture: str, battery: int) -> None:
        """Stand as a scene says before a behaviour begins.

        An empty posture changes nothing, except that a robot whose motors are off stands up; a battery below zero
        leaves the charge as it is. The recording begins anew.
        """
        self.stop_everything()
        if posture or not self.motion.motors.awake():
            self.motion.place(posture or "Stand")
        if battery >= 0:
            self.battery = min(battery, 100)
        self._since = self.clock.now()
        self.motion.body.forget(self._since)
        self.lights.forget(self._since)

    def settled(self) -> Activity:
        """Return what ends when it is known how the robot ends: at once, or after a fall that is about to happen."""
        now, falls_at = self.clock.now(), self.motion.falls_at()
        falls_soon = falls_at is not None and falls_at < now + recorder.AHEAD_S
        return Activity(self.clock, (falls_at or now) + _MOMENT_S if falls_soon else now)

    def recording_json(self) -> str:
        """Return what it did since it was last prepared, as ``services.picture.recording`` has it."""
        return recorder.record(self, self._since).model_dump_json(exclude_defaults=True)

    def stop_everything(self) -> None:
        self.motion.halt()
        self.motion.hold(JOINTS)
        self.voice.stop_all()
        self.stop_animations()
        self.stop_sounds()
        self.lights.stop()

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state: seconds, metres, radians; logs hold the latest entries only."""
        pose = self.motion.pose()
        return {
            "time_s": round(self.clock.now(), 3),
            "speed": self.clock.speed,
            "awake": self.motion.motors.awake(),
            "posture": self.motion.body.posture(),
            "fallen": self.motion.fall is not None,
            "pose": {"x": round(pose.x, 4), "y": round(pose.y, 4), "theta": round(pose.theta, 4)},
            "walking": self.motion.walking(),
            "joints": {name: round(angle, 4) for name, angle in self.motion.joints().items()},
            "leds": self.lights.colours(),
            "animations": self.playing(),
            "speech": self.voice.log(),
            "volume": self.voice.volume,
            "language": self.voice.language,
            "battery": self.battery,
            "called": self._called,
            "calls": list(self._calls),
        }

    def snapshot_json(self) -> str:
        return json.dumps(self.snapshot(), ensure_ascii=False, allow_nan=False)
