"""Puts a simulated robot on a qi session of its own, service directory included."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from services.robot.qi_session import new_session
from services.robot.simulator.clock import Clock, ScaledClock
from services.robot.simulator.nao import Nao
from services.robot.simulator.surface import autonomy, lights, motion, perception, sensors, simulation, voice
from services.robot.simulator.surface.base import Surface

SERVICES = (
    motion.ALMotion,
    motion.ALRobotPosture,
    voice.ALTextToSpeech,
    voice.ALAnimatedSpeech,
    voice.ALAnimationPlayer,
    voice.ALBehaviorManager,
    voice.ALAudioPlayer,
    lights.ALLeds,
    sensors.ALBattery,
    sensors.ALSonar,
    sensors.ALMemory,
    perception.ALFaceDetection,
    perception.ALSpeechRecognition,
    autonomy.ALTracker,
    autonomy.ALAutonomousLife,
    autonomy.ALBasicAwareness,
    simulation.SimulatedClock,
    simulation.SimulatedState,
)


class SimulatedRobot(ABC):
    """A simulated robot that listens from construction until ``close``.

    Raises OSError if the address cannot be listened on.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, speed: float = 1.0) -> None:
        self._session = new_session()
        try:
            self._session.listenStandalone(f"tcp://{host}:{port}")
        except RuntimeError as error:
            raise OSError(str(error)) from error
        self.url = str(self._session.endpoints()[0])
        """Where clients connect, such as ``tcp://127.0.0.1:9559``."""
        self._clock = ScaledClock(speed)
        for service in self._services(self._clock):
            self._session.registerService(type(service).__name__, service)

    @abstractmethod
    def _services(self, clock: Clock) -> list[Surface]:
        """The robot's services, each under its class name."""

    def close(self) -> None:
        """Switch the robot off: clients see the connection go."""
        self._session.close()
        self._clock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SimulatedNao(SimulatedRobot):
    """A simulated NAO."""

    def _services(self, clock: Clock) -> list[Surface]:
        self.nao = Nao(clock)
        return [service(self.nao) for service in SERVICES]
