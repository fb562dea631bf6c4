"""Follows where the calls of a program bring the joints, and checks each move from where earlier ones left them."""

from __future__ import annotations

from services.behavior.catalogue import Catalogue
from services.behavior.joints import Move, check_speed, moves
from services.behavior.outline import Outline
from services.behavior.ranges import check_range
from services.behavior.robot_state import RobotState
from services.behavior.values import Value


def follow_joints(
    catalogue: Catalogue,
    outline: Outline,
    state: RobotState,
    name: str,
    args: list[Value],
    moved: list[str] | None,
    lasts: float,
) -> None:
    """Check the joints of a call against what earlier calls have set, and note what this one sets.

    A joint is taken to have come where it was sent once a call that takes time has followed. Before that nobody knows
    how far it is, so that a change of its angle leads nowhere known.

    Args:
        catalogue: the robot's.
        outline: of the method that is called.
        state: of the robot before the call; it is changed.
        name: of the call, for messages.
        args: its arguments in normal form; each may be Unknown.
        moved: the joints that it moves, as far as they are known; None when it does not say which.
        lasts: the seconds that the program waits for it.

    Raises:
        CheckError: ``coupling`` or ``velocity``.
    """
    method = outline.method
    if moved is None:
        if method.effect in ("motion", "posture", "power"):
            state.angles.clear()
            state.settled.clear()
    else:
        new = moves(catalogue, method, args, {joint: state.angles[joint] for joint in state.settled})
        for joint, move in new.items():
            _check_start(catalogue, name, joint, move)
        _check_couplings(catalogue, name, new, state.angles)
        for joint in moved:
            state.angles.pop(joint, None)
        state.angles.update({joint: move.angles[-1] for joint, move in new.items()})
        state.settled.difference_update(moved)
    if lasts:
        state.settled.update(state.angles)
    elif method.blocking:
        state.settled.update(joint for joint in moved or () if joint in state.angles)


def _check_start(catalogue: Catalogue, name: str, joint: str, move: Move) -> None:
    """Check how fast a joint would have to go from where it is to the first of its angles."""
    if move.absolute and move.start is not None and move.first_time is not None:
        what = f"{name}: from {move.start:g} to {move.angles[0]:g} {joint}"
        check_speed(catalogue, what, joint, abs(move.angles[0] - move.start), move.first_time)


def _check_couplings(catalogue: Catalogue, name: str, new: dict[str, Move], angles: dict[str, float]) -> None:
    """Check coupled joints of which one is moved, or both by changes; the rest is known from the call alone."""
    for coupling in catalogue.couplings:
        unit = catalogue.joints[coupling.joint].unit
        move, by_move = new.get(coupling.joint), new.get(coupling.by)
        pairs: list[tuple[float, float]] = []
        if move is not None and by_move is not None:
            if not move.absolute:
                pairs = [(move.angles[-1], by_move.angles[-1])]
        elif move is not None and coupling.by in angles:
            pairs = [(angle, angles[coupling.by]) for angle in move.angles]
        elif by_move is not None and coupling.joint in angles:
            pairs = [(angles[coupling.joint], by_angle) for by_angle in by_move.angles]
        for angle, by_angle in pairs:
            low, high = coupling.limits(by_angle)
            what, start = f"{name}: with {coupling.by} at {by_angle:g}, {coupling.joint}", 0.0
            if move is not None and not move.absolute and move.start is not None:
                what, start = f"{name}: with {coupling.by} at {by_angle:g}, the change of {coupling.joint}", move.start
            check_range(what, angle - start, low - start, high - start, unit, "coupling")
