"""Animations that go on beside the rest of a program, and what they need of the robot until they end.

NAOqi does not sort this out. ``startBehavior`` returns before the animation moves anything, and of two motions that
want the same joints the later waits until the earlier is done. So a robot that is told to rest or to sit at once may
sit first and then play what is made for a standing one: its legs stretch, or the motors are off half-way. Its fall
manager does not guard it then, because that only watches a robot that stands.
"""

from __future__ import annotations

from dataclasses import replace

from services.behavior import effort
from services.behavior.catalogue import Catalogue
from services.behavior.errors import CheckError
from services.behavior.outline import Outline
from services.behavior.remedies import stop_call
from services.behavior.robot_state import Playing, RobotState, since
from services.behavior.values import Unknown, Value


def check_posture_kept(catalogue: Catalogue, state: RobotState, name: str, family: str | None) -> None:
    """Check that the robot stays in the posture that an animation which still goes on is made for.

    Args:
        catalogue: the robot's.
        state: of the robot before the call.
        name: of the call, for messages.
        family: the posture family that it leads to; None where it leads to none that is known.

    Raises:
        CheckError: ``conflict``.
    """
    for (service, _), played in state.playing.items():
        if family not in (None, played.family):
            what = f"{name} leaves posture {played.family}, which the animation needs that may still go on"
            raise _conflict(catalogue, service, played, what)


def check_legs_free(catalogue: Catalogue, state: RobotState, name: str) -> None:
    """Check that no animation still goes on that moves the legs with which a call walks. Raises as above."""
    for (service, _), played in state.playing.items():
        what = f"{name} walks, and the animation moves the legs that may still go on"
        raise _conflict(catalogue, service, played, what)


def _conflict(catalogue: Catalogue, service: str, played: Playing, what: str) -> CheckError:
    stop = stop_call(catalogue, service)
    before = f"write {stop} before it" if stop else "wait for its end before it"
    return CheckError("conflict", f"{what} {since(played.line)}", before)


def follow_playing(
    catalogue: Catalogue, outline: Outline, state: RobotState, service: str, args: list[Value], line: int, lasts: float
) -> None:
    """Note what goes on beside the rest after a call, and what no longer does.

    Args:
        catalogue: the robot's.
        outline: of the method that is called.
        state: of the robot; it is changed.
        service: the service that is called.
        args: the arguments in normal form; each may be Unknown.
        line: the line of the call.
        lasts: the seconds that the program waits for it.
    """
    method = outline.method
    state.playing = {
        (player, name): replace(played, seconds=played.seconds - lasts)
        for (player, name), played in state.playing.items()
        if played.seconds > lasts and not (method.effect == "stop" and player == service and _names(args, name))
    }
    if method.blocking:
        return
    for at, enum in outline.needs:
        if isinstance(args[at], str) and (family := enum.family(args[at])) is not None:
            seconds = effort.seconds(catalogue, outline, args)
            state.playing[service, args[at]] = Playing(line, family, seconds)


def _names(args: list[Value], name: str) -> bool:
    """Whether a call that stops what it names stops this; without arguments it stops all."""
    return all(argument == name or isinstance(argument, Unknown) for argument in args)
