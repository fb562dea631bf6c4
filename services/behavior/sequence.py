"""Follows the calls of a program one after the other: what each needs of the robot, and what it leads to.

A call that is right by itself may be wrong where it stands: a walk of a robot that sits, a motion with the motors off,
a joint that an earlier call has brought out of the way, the one metre that is no longer free, the call that is one too
many. Nothing here knows any robot; all of it is in the catalogue.
"""

from __future__ import annotations

import math
from dataclasses import replace

from services.behavior import effort
from services.behavior.catalogue import Catalogue, Method
from services.behavior.errors import CheckError
from services.behavior.ground import UNLED_S, check_walk, check_way
from services.behavior.joint_moves import follow_joints
from services.behavior.joints import joints_of
from services.behavior.outline import Outline, outlines
from services.behavior.playing import check_legs_free, check_posture_kept, follow_playing
from services.behavior.remedies import off_its_legs, posture_call, way_call
from services.behavior.robot_state import RobotState, Walk, since
from services.behavior.scene import SceneView
from services.behavior.values import Value, known_number


class Sequence:
    """The calls of one program. ``state`` is what is known of the robot before the next of them."""

    def __init__(self, catalogue: Catalogue, scene: SceneView) -> None:
        self._catalogue = catalogue
        self._scene = scene
        self._outlines = outlines(catalogue)
        family = None if scene.posture is None else catalogue.family(scene.posture)
        self.state = RobotState({family: 0})

    def outline(self, method: Method) -> Outline:
        """What matters of a method of the catalogue."""
        return self._outlines[id(method)]

    def take(self, service: str, method: Method, args: list[Value], line: int) -> None:
        """Check one call after those before it, and follow what it does.

        Args:
            service: the service that is called.
            method: the form of the method (``calls.match_call``).
            args: the arguments in normal form; each may be Unknown.
            line: the line of the program that it stands in.

        Raises:
            CheckError: ``posture``, ``motors``, ``balance``, ``conflict``, ``battery``, ``space``, ``obstacle``,
                ``coupling``, ``velocity``, ``calls``, ``seconds`` or ``metres``.
        """
        outline, name, state = self._outlines[id(method)], f"{service}.{method.name}", self.state
        self._check_posture(outline, name, args, line)
        moved = self._moved_joints(outline, args)
        if method.needs.motors:
            self._check_motors(outline, name, moved)
        self._check_walk_under_way(outline, name, args, moved)
        check_posture_kept(self._catalogue, state, name, self._family_after(outline, args))
        if method.walks:
            check_legs_free(self._catalogue, state, name)
        self._check_balance(name, moved)
        state.calls += 1
        lasts = effort.seconds(self._catalogue, outline, args) if method.blocking else 0.0
        state.seconds += lasts
        if method.walks:
            self._walk(outline, name, args, Walk(service, line))
        elif state.walk is not None and lasts:
            walk = replace(state.walk, seconds=state.walk.seconds + lasts)
            self._walk_on(walk, lasts, f"the walk that line {walk.line} began")
        self._check_budget(name)
        follow_joints(self._catalogue, outline, state, name, args, moved, lasts)
        self._follow(outline, args, line)
        follow_playing(self._catalogue, outline, state, service, args, line, lasts)
        if method.effect == "stop" and state.walk is not None and state.walk.service == service:
            self.end_walk()

    def end_walk(self) -> None:
        """A walk at a speed ends before the gateway would have ended it; it may have gone on until then."""
        if (walk := self.state.walk) is not None:
            self.state.walk = None
            self.state.reach += walk.speed * UNLED_S
            self.state.metres += walk.speed * UNLED_S

    # --- what a call needs -------------------------------------------------------------------------------------------

    def _check_posture(self, outline: Outline, name: str, args: list[Value], line: int) -> None:
        needed = [outline.method.needs.family]
        needed += [enum.family(args[at]) for at, enum in outline.needs if isinstance(args[at], str)]
        for at, tag, enum in outline.tags:
            if isinstance(args[at], str):
                needed += [enum.family(value) for value in tag.findall(args[at])]
        for family in needed:
            if family is None:
                continue
            for other, begun in self.state.families.items():
                if other not in (None, family):
                    is_ = "is" if len(self.state.families) == 1 else "may be"
                    when = since(begun, "as the program begins")
                    raise CheckError(
                        "posture",
                        f"{name} needs posture {family}, and the robot {is_} {other} {when}",
                        f"write {posture_call(self._catalogue, family)} before it",
                    )
            if family not in self.state.families:  # nobody knew; from now on this is what the program goes by
                self.state.families = {family: line}
            self.state.families.pop(None, None)

    def _check_motors(self, outline: Outline, name: str, moved: list[str] | None) -> None:
        slack = self.state.slack
        # A call that does not say which joints it moves needs all that a program can let go, but for a walk: the legs
        # go slack only together with everything else.
        limp = [joint for joint in slack if joint is None or (moved is None and not outline.method.walks)]
        limp += [joint for joint in moved or () if joint in slack]
        if not limp:
            return
        wake = self._catalogue.control.wake
        before = f"write {wake.service}.{wake.method}() before it" if wake else "leave it out"
        what = "the motors are off" if limp[0] is None else f"the motors of {limp[0]} are off"
        raise CheckError("motors", f"{name} moves the robot, and {what} {since(slack[limp[0]])}", before)

    def _check_balance(self, name: str, moved: list[str] | None) -> None:
        carrying = [joint for joint in moved or () if self._catalogue.joints[joint].carries]
        if not carrying or not {None, *self._catalogue.upright} & set(self.state.families):
            return
        raise CheckError(
            "balance",
            f"{name} moves {carrying[0]}, on which the robot stands: it may fall",
            f"write {off_its_legs(self._catalogue)} before it, or leave it out",
        )

    def _check_walk_under_way(self, outline: Outline, name: str, args: list[Value], moved: list[str] | None) -> None:
        walk, method = self.state.walk, outline.method
        if walk is None:
            return
        on_legs = method.whole_body or any(self._catalogue.joints[joint].carries for joint in moved or ())
        on_legs = on_legs or any(isinstance(args[at], str) and tag.search(args[at]) for at, tag, _ in outline.tags)
        if not (on_legs or outline.leads_to or method.leads_to.family or method.effect == "posture"):
            return
        end = self._catalogue.control.end
        before = f"write {end.service}.{end.method}() before it" if end else "leave it out"
        raise CheckError("conflict", f"{name} moves the legs, and the robot still walks {since(walk.line)}", before)

    # --- walking -----------------------------------------------------------------------------------------------------

    def _walk(self, outline: Outline, name: str, args: list[Value], begun: Walk) -> None:
        base, state = self._catalogue.base, self.state
        charge = self._scene.battery
        if base is not None and charge is not None and charge < base.least_battery:
            raise CheckError(
                "battery",
                f"{name} sets off with {charge} % of charge, and {base.least_battery} % is the least",
                'answer only "# Refuse: the battery is too low" and say so',
            )
        if state.walk is not None:  # somewhere on its way
            self.end_walk()
            state.pose = None
        if base is not None and (way := effort.displacement(outline, args)) is not None:
            x, y, theta = (part or 0.0 for part in way)
            state.metres += (x * x + y * y) ** 0.5
            if None in way:
                self._lose_pose((x * x + y * y) ** 0.5, name)
            else:
                check_way(base, self._scene, state, name, x, y, theta)
        elif base is not None and (velocity := effort.velocity(self._catalogue, outline, args)) is not None:
            if velocity == (0.0, 0.0, 0.0):  # which stops it
                return
            vx, vy, omega = velocity
            speed = math.hypot(base.x if vx is None else vx, base.y if vy is None else vy)
            known = None if vx is None or vy is None or omega is None else (vx, vy, omega)
            self._walk_on(replace(begun, speed=speed, velocity=known, start=state.pose), 0.0, name)
        else:
            state.metres += outline.method.takes.metres
            state.pose = None

    def _walk_on(self, walk: Walk, seconds: float, name: str) -> None:
        """A walk has gone on for so many seconds more: check its way until now, and a little further."""
        state, base = self.state, self._catalogue.base
        state.walk, state.pose, state.strayed = walk, None, True
        state.metres += walk.speed * seconds
        if base is not None:
            check_walk(base, self._scene, state, name, walk, seconds, way_call(self._catalogue))

    def _lose_pose(self, metres: float, name: str) -> None:
        """The robot has gone somewhere, by at least so many metres."""
        self.state.pose = None
        if self._catalogue.base is not None:
            check_way(self._catalogue.base, self._scene, self.state, name, metres, 0.0, 0.0)

    def _check_budget(self, name: str) -> None:
        state, budget = self.state, self._catalogue.budget
        for code, used, most, what in (
            ("calls", state.calls, budget.calls, "calls"),
            ("seconds", state.seconds, budget.seconds, "seconds"),
            ("metres", state.metres, budget.metres, "metres of walking"),
        ):
            if used > most:
                shorter = "loop fewer times, or do less" if code != "metres" else "walk less"
                message = f"with {name} the program comes to {used:.0f} {what}, and {most:g} is the most"
                raise CheckError(code, message, shorter)

    # --- what a call leads to ----------------------------------------------------------------------------------------

    def _moved_joints(self, outline: Outline, args: list[Value]) -> list[str] | None:
        """The joints that a call moves, as far as they are known; None when it does not say which."""
        if not outline.joints:
            return None
        return [joint for at in outline.joints for joint in joints_of(self._catalogue, args[at]) or ()]

    def _family_after(self, outline: Outline, args: list[Value]) -> str | None:
        """The posture family that a call leads to, if it leads to any and it is known."""
        for at, enum in outline.leads_to:
            return enum.family(args[at]) if isinstance(args[at], str) else None
        return outline.method.leads_to.family

    def _follow(self, outline: Outline, args: list[Value], line: int) -> None:
        method, state = outline.method, self.state
        if outline.leads_to or method.leads_to.family is not None:
            state.families = {self._family_after(outline, args): line}
        if method.leads_to.motors is not None:
            state.slack = {} if method.leads_to.motors else {None: line}
        if outline.slack is not None:
            named, stiffness = (args[at] for at in outline.slack)
            for joint in joints_of(self._catalogue, named) or ():
                if known_number(stiffness) == 0.0:
                    state.slack[joint] = line
                elif None not in state.slack:
                    state.slack.pop(joint, None)
