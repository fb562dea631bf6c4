"""Narrows the catalogue of a robot to what a connected robot really has.

A catalogue says what robots of a kind can do. One of them may be an older model, have fewer joints or other animations:
it is the authority on itself. ``compare`` tells what it lacks, ``narrow`` makes the catalogue without that, from which
prompt, grammar and checks follow as from any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache

from services.behavior.arguments import Argument, EnumArgument, JointArgument, TextArgument
from services.behavior.body import Joint
from services.behavior.calls import signature
from services.behavior.catalogue import Catalogue, Example
from services.behavior.methods import Method, Service
from services.behavior.names import Enum, expand
from services.behavior.program import ProgramError, ProgramReader
from services.behavior.schema import JointLimits, Lacks
from services.behavior.waiting import TIME

#: Robots tell their limits as 32-bit floats.
_ROUNDING = 1e-4
#: A joint that can move less than this (rad, or the share of a hand) counts as none.
_LEAST_RANGE = 0.05
#: Catalogues narrowed differently that are kept: each robot has one at a time.
_KEPT = 16


@dataclass(frozen=True)
class Found:
    """What a robot says that it has. What it could not be asked is left out, and counts as there."""

    methods: Mapping[str, Mapping[str, set[int | None]]]
    """Service → method → the numbers of arguments that its forms take; None for any number."""
    names: Mapping[str, Set[str]] = field(default_factory=dict)
    """Enum of the catalogue → the values that the robot knows."""
    joints: Mapping[str, tuple[float, float, float] | None] = field(default_factory=dict)
    """Joint → smallest and largest angle and top speed, in the catalogue's units; None where there is no such joint."""


def compare(catalogue: Catalogue, found: Found) -> Lacks:
    """What a robot lacks of its catalogue. What it has beyond the catalogue is never offered, and not told."""
    limits = {
        joint: _narrower(catalogue.joints[joint], *told)
        for joint, told in found.joints.items()
        if told is not None and all(map(math.isfinite, told)) and told[0] < told[1] and told[2] > 0
    }
    lost = [joint for joint, told in found.joints.items() if told is None]
    lost += [joint for joint, narrow in limits.items() if narrow.max - narrow.min < _LEAST_RANGE]
    names = {
        enum: [value for value in catalogue.enums[enum].values if value not in values]
        for enum, values in found.names.items()
    }
    own = ((service, method) for service, method in catalogue.calls if service != TIME)
    methods = [
        signature(service, method)
        for service, method in own
        if found.methods.get(service, {}).get(method.name, set()).isdisjoint({len(method.args), None})
    ]
    return Lacks(
        methods=list(dict.fromkeys(methods)),  # overloads that take arguments of the same names
        names={enum: values for enum, values in names.items() if values},
        joints=sorted(lost),
        limits={
            joint: narrow
            for joint, narrow in limits.items()
            if joint not in lost and _differs(catalogue.joints[joint], narrow)
        },
    )


def _narrower(joint: Joint, low: float, high: float, speed: float) -> JointLimits:
    return JointLimits(min=max(joint.min, low), max=min(joint.max, high), max_velocity=min(joint.max_velocity, speed))


def _differs(joint: Joint, narrow: JointLimits) -> bool:
    return (
        narrow.min - joint.min > _ROUNDING
        or joint.max - narrow.max > _ROUNDING
        or joint.max_velocity - narrow.max_velocity > _ROUNDING * joint.max_velocity
    )


def narrow(catalogue: Catalogue, lacks: Lacks) -> Catalogue:
    """The catalogue without what the robot lacks; itself when nothing is. The same for the same lacks.

    A call that only the whole catalogue allows fails its check with ``unavailable``. What can no longer be called,
    because no name is left to give it, goes too.
    """
    return _narrow(catalogue, lacks.model_dump_json()) if lacks else catalogue


@lru_cache(maxsize=_KEPT)
def _narrow(catalogue: Catalogue, lacks_json: str) -> Catalogue:
    lacks = Lacks.model_validate_json(lacks_json)
    joints = {
        name: joint.model_copy(update=lacks.limits[name].model_dump()) if name in lacks.limits else joint
        for name, joint in catalogue.joints.items()
        if name not in lacks.joints
    }
    chains = {name: [joint for joint in chain if joint in joints] for name, chain in catalogue.chains.items()}
    offered = [name for pattern in catalogue.offered_joints for name in expand(pattern)]
    enums = {name: _without(enum, set(lacks.names.get(name, ()))) for name, enum in catalogue.enums.items()}
    fields = {
        "joints": joints,
        "chains": {name: chain for name, chain in chains.items() if chain},
        "offered_joints": [name for name in offered if name in joints] or list(joints),
        "couplings": [coupling for coupling in catalogue.couplings if {coupling.joint, coupling.by} <= set(joints)],
        "enums": enums,
        "services": dict(_services(catalogue, set(lacks.methods), enums, has_joints=bool(joints))),
    }
    narrowed = Catalogue.model_construct(**(dict(catalogue) | fields))
    narrowed._whole = catalogue
    examples = [example for example in catalogue.examples if _passes(narrowed, example)]
    return narrowed.model_copy(update={"examples": examples or catalogue.examples})


def _without(enum: Enum, lost: Set[str]) -> Enum:
    if not lost:
        return enum
    values = [value for value in enum.values if value not in lost]
    card = [value for pattern in enum.card for value in expand(pattern) if value not in lost]
    families = {
        begin: kind for begin, kind in enum.families.items() if any(value.startswith(begin) for value in values)
    }
    shown = {"values": values, "written": values, "card": card or values[: len(enum.card)], "families": families}
    return enum.model_copy(update=shown)


def _services(
    catalogue: Catalogue, lost: Set[str], enums: Mapping[str, Enum], *, has_joints: bool
) -> Iterator[tuple[str, Service]]:
    for name, service in catalogue.services.items():
        methods = [
            method.model_copy(update={"args": [_argument(argument, enums) for argument in method.args]})
            for method in service.methods
            if signature(name, method) not in lost and _callable(method, enums, has_joints=has_joints)
        ]
        if methods:
            yield name, Service.model_construct(doc=service.doc, methods=methods)


def _callable(method: Method, enums: Mapping[str, Enum], *, has_joints: bool) -> bool:
    """Whether there still is something to give each argument."""
    return all(
        enums[argument.values].values
        if isinstance(argument, EnumArgument)
        else has_joints or not isinstance(argument, JointArgument)
        for argument in method.args
    )


def _argument(argument: Argument, enums: Mapping[str, Enum]) -> Argument:
    if isinstance(argument, TextArgument) and argument.tags and not enums[argument.tags.values].values:
        return argument.model_copy(update={"tags": None})
    return argument


def _passes(catalogue: Catalogue, example: Example) -> bool:
    reader = ProgramReader(catalogue, example.scene)
    try:
        reader.feed(example.program)
        reader.close()
    except ProgramError:
        return False
    return True
