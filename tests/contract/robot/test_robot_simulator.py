"""The simulated robot as a client of the real protocol sees it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import qi

from services.behavior.catalogue import (
    Argument,
    BoolArgument,
    Catalogue,
    EnumArgument,
    JointArgument,
    Method,
    NumberArgument,
    load_catalogue,
    robots,
)
from services.behavior.check import check_call
from services.behavior.waiting import TIME
from services.robot.qi_session import new_session
from services.robot.simulator.anatomy import CHAINS, JOINTS, head_pitch_limits
from services.robot.simulator.porter.server import SimulatedPorter
from services.robot.simulator.server import SimulatedNao, SimulatedRobot

CATALOGUE = load_catalogue("nao")
SIMULATORS: dict[str, type[SimulatedRobot]] = {"nao": SimulatedNao, "porter": SimulatedPorter}
METHODS = [
    pytest.param(robot, service, method, id=f"{robot}-{service}.{method.name}/{len(method.args)}")
    for robot in robots()
    for service, method in load_catalogue(robot).calls
    if service != TIME  # for which the gateway cares
]


@pytest.fixture(scope="module")
def fast_nao() -> Iterator[SimulatedNao]:
    with SimulatedNao(speed=500.0) as robot:
        yield robot


@pytest.fixture(scope="module")
def fast(fast_nao: SimulatedNao) -> Iterator[qi.Session]:
    """A client of a robot whose time passes 500 times as fast as ours."""
    session = new_session()
    session.connect(fast_nao.url)
    yield session
    session.close()


@pytest.fixture
def client(nao: SimulatedNao) -> Iterator[qi.Session]:
    session = new_session()
    session.connect(nao.url)
    yield session
    session.close()


@pytest.fixture(scope="module")
def services() -> Iterator[Callable[[str, str], Any]]:
    """A service of one of the simulated robots, whose time passes 500 times as fast as ours."""
    with ExitStack() as stack:
        sessions = {}
        for name, simulator in SIMULATORS.items():
            sessions[name] = new_session()
            sessions[name].connect(stack.enter_context(simulator(speed=500.0)).url)
            stack.callback(sessions[name].close)
        yield lambda robot, service: sessions[robot].service(service)


def value_for(catalogue: Catalogue, argument: Argument) -> Any:
    """A value that the catalogue allows."""
    if isinstance(argument, EnumArgument):
        return catalogue.enums[argument.values].values[0]
    if isinstance(argument, JointArgument):
        return "HeadYaw"
    if isinstance(argument, BoolArgument):
        return argument.only is not False
    if isinstance(argument, NumberArgument):
        if argument.joints is not None:
            return [0.1] if argument.shape == "series" else 0.1
        middle = (argument.min + argument.max) / 2 if argument.min is not None and argument.max is not None else 0.1
        value = round(middle) if argument.type == "int" else middle
        return {"series": [value], "triple": [value] * 3}.get(argument.shape, value)
    if argument.shape == "list":
        return ["yes", "no"]
    return "/usr/share/naoqi/wav/random.wav" if argument.pattern and argument.pattern.startswith("/") else "Hello"


@pytest.mark.parametrize(("robot", "service", "method"), METHODS)
def test_every_method_of_the_catalogue_works(
    services: Callable[[str, str], Any], robot: str, service: str, method: Method
) -> None:
    if robot == "nao":
        services(robot, "ALMotion").wakeUp()
        services(robot, "ALTextToSpeech").setParameter("speed", 100.0)
    catalogue = load_catalogue(robot)
    values = [value_for(catalogue, argument) for argument in method.args]
    arguments = check_call(catalogue, service, method.name, values)
    result = services(robot, service).call(method.name, *arguments, _async=True).value(10_000)
    expected = {
        "none": type(None),
        "bool": bool,
        "int": int,
        "float": float,
        "str": str,
        "list[float]": list,
        "list[str]": list,
        "any": object,
    }[method.returns]
    assert isinstance(result, expected)
    if method.values is not None:
        known = catalogue.enums[method.values].values
        assert set(result if isinstance(result, list) else [result]) <= set(known)


@pytest.mark.parametrize("robot", robots())
def test_every_call_of_the_gateway_works(services: Callable[[str, str], Any], robot: str) -> None:
    control = load_catalogue(robot).control
    single = [control.walking, control.hold, control.hold_walking, control.end, control.wake, control.position]
    for call in [*control.stop, *filter(None, single)]:
        services(robot, call.service).call(call.method, *call.args)
    if control.position is not None:
        assert len(services(robot, control.position.service).call(control.position.method, *control.position.args)) == 3
    for enum in load_catalogue(robot).enums.values():
        if enum.installed is not None:
            installed = services(robot, enum.installed.service).call(enum.installed.method, *enum.installed.args)
            assert set(enum.values) <= set(installed)


def test_the_body_is_that_of_the_catalogue() -> None:
    assert {name: (j.low, j.high, j.speed) for name, j in JOINTS.items()} == {
        name: (j.min, j.max, j.max_velocity) for name, j in CATALOGUE.joints.items()
    }
    for chain, joints in CATALOGUE.chains.items():
        assert list(CHAINS[chain]) == joints
    (coupling,) = CATALOGUE.couplings
    for yaw in (0.0, 0.3, -0.8, 1.2, 2.0, -2.0857):
        assert head_pitch_limits(yaw) == pytest.approx(coupling.limits(yaw))


@pytest.mark.parametrize("enum", ["animation", "posture", "leds", "colour", "language", "memory_key"])
def test_every_name_of_the_catalogue_is_known(fast: qi.Session, enum: str) -> None:
    names = CATALOGUE.enums[enum].values
    match enum:
        case "animation":
            assert set(names) <= set(fast.service("ALBehaviorManager").getInstalledBehaviors())
        case "posture":
            assert set(names) == set(fast.service("ALRobotPosture").getPostureList())
        case "leds":
            assert set(names) - set(fast.service("ALLeds").listGroups()) == set()
        case "colour":
            for name in names:
                fast.service("ALLeds").fadeRGB("FaceLeds", name, 0.0)
        case "language":
            assert set(names) == set(fast.service("ALTextToSpeech").getAvailableLanguages())
        case _:
            assert set(names) <= set(fast.service("ALMemory").getDataListName())


def test_errors_are_naoqis_and_show_no_stack(client: qi.Session) -> None:
    with pytest.raises(RuntimeError) as caught:
        client.service("ALRobotPosture").goToPosture("Handstand", 0.5)
    assert str(caught.value).startswith("ALRobotPosture::goToPosture: 'Handstand' is no posture")
    assert "Traceback" not in str(caught.value)
    assert ".py" not in str(caught.value)


@pytest.mark.parametrize("x", [math.nan, math.inf, "far", [1.0], None])
def test_senseless_numbers_are_errors(client: qi.Session, x: object) -> None:
    with pytest.raises(RuntimeError):
        client.service("ALMotion").moveTo(x, 0.0, 0.0)
    assert client.service("ALMotion").getRobotPosition(True) == [0.0, 0.0, 0.0]


def test_stop_is_not_held_up_by_any_number_of_blocking_calls(switch_on: Callable[..., SimulatedNao]) -> None:
    session = new_session()
    session.connect(switch_on(speed=1.0).url)
    speech, motion = session.service("ALTextToSpeech"), session.service("ALMotion")
    blocked = [speech.say("a rather long sentence to be spoken", _async=True) for _ in range(100)]
    walk = motion.moveTo(3.0, 0.0, 0.0, _async=True)
    began = time.monotonic()
    # qi hands calls to threads, so that one may overtake another: what begins after a stop is stopped by the next.
    calls = [walk, *blocked]
    while any(call.isRunning() for call in calls):
        motion.stopMove()
        speech.stopAll()
        assert time.monotonic() - began < 15
    # Speaking would have taken minutes and walking half a minute: nothing near that was waited for.
    for call in calls:
        call.value()
    assert not motion.moveIsActive()
    session.close()


def test_time_passes_at_the_set_speed(nao: SimulatedNao, client: qi.Session) -> None:
    clock = client.service("SimulatedClock")
    assert clock.speed() == 20.0
    began = time.monotonic()
    simulated = clock.now()
    client.service("ALMotion").moveTo(0.4, 0.0, 0.0)
    took = clock.now() - simulated
    assert 4.2 <= took <= (time.monotonic() - began) * 20


def test_snapshot_shows_the_robot_and_its_calls(client: qi.Session) -> None:
    client.service("ALLeds").fadeRGB("FaceLeds", "blue", 0.0)
    snapshot = json.loads(client.service("SimulatedState").snapshot())
    assert snapshot["leds"]["LeftFaceLeds"] == "#0000ff"
    assert snapshot["posture"] == "Stand"
    assert [call["method"] for call in snapshot["calls"]] == ["fadeRGB"]


def test_a_taken_port_is_an_error(nao: SimulatedNao) -> None:
    with pytest.raises(OSError, match="in use"):
        SimulatedNao(port=int(nao.url.rsplit(":", 1)[1]))
