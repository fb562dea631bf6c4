"""The simulated Porter, without qi and without waiting."""

from __future__ import annotations

import itertools
import math

import pytest

from services.behavior.catalogue import load_catalogue
from services.robot.simulator.clock import SteppedClock
from services.robot.simulator.porter.house import ROOMS, THINGS, nearest
from services.robot.simulator.porter.model import GRASP_S, SPEED, Porter

CATALOGUE = load_catalogue("porter")


@pytest.fixture
def porter(clock: SteppedClock) -> Porter:
    return Porter(clock)


def test_the_house_is_that_of_the_catalogue() -> None:
    assert set(ROOMS) == set(CATALOGUE.enums["room"].values)
    things = [thing for here in THINGS.values() for thing in here]
    assert sorted(things) == sorted(CATALOGUE.enums["thing"].values)
    assert set(CATALOGUE.enums["sight"].values) == {"person", *things}


def test_no_way_is_longer_than_the_catalogue_says() -> None:
    (go_to,) = CATALOGUE.services["robot"].by_name["go_to"]
    longest = max(math.dist(ROOMS[one], ROOMS[other]) for one, other in itertools.combinations(ROOMS, 2))
    assert longest <= go_to.takes.metres
    assert longest / SPEED <= go_to.takes.seconds
    for name in ("pick", "place"):
        assert CATALOGUE.services["robot"].by_name[name][0].takes.seconds >= GRASP_S


def test_it_carries_a_thing_from_room_to_room(porter: Porter, clock: SteppedClock) -> None:
    drive = porter.go_to("kitchen")
    assert porter.driving()
    clock.advance(math.dist(ROOMS["lobby"], ROOMS["kitchen"]) / SPEED)
    assert drive.completed is True
    assert porter.room() == "kitchen"
    assert porter.sees("mug")
    porter.pick("mug")
    assert porter.holding is None
    clock.advance(GRASP_S)
    assert porter.holding == "mug"
    assert not porter.sees("mug")
    porter.go_to("office")
    clock.advance(60.0)
    porter.place("mug")
    clock.advance(GRASP_S)
    assert porter.snapshot()["things"]["office"] == ["keys", "mug"]
    assert porter.holding is None


def test_it_drives_straight_and_stops_where_it_is(porter: Porter, clock: SteppedClock) -> None:
    drive = porter.go_to("office")
    clock.advance(6.0)
    assert porter.pose() == (3.0, 0.0, 0.0)
    porter.stop()
    assert drive.completed is False
    clock.advance(10.0)
    assert porter.pose() == (3.0, 0.0, 0.0)
    assert porter.room() == nearest(3.0, 0.0) == "hallway"
    porter.go_to("kitchen")
    clock.advance(60.0)
    assert porter.pose() == (4.0, 3.0, pytest.approx(math.atan2(3.0, 1.0)))


def test_a_grasp_that_is_stopped_changes_nothing(porter: Porter, clock: SteppedClock) -> None:
    porter.pick("letter")
    clock.advance(GRASP_S / 2)
    porter.stop()
    clock.advance(GRASP_S)
    assert porter.holding is None
    assert porter.sees("letter")


def test_what_cannot_be_done_is_an_error(porter: Porter, clock: SteppedClock) -> None:
    with pytest.raises(ValueError, match="there is no room 'cellar'"):
        porter.go_to("cellar")
    with pytest.raises(RuntimeError, match="no mug in the lobby"):
        porter.pick("mug")
    with pytest.raises(RuntimeError, match="holds nothing, not the mug"):
        porter.place("mug")
    porter.pick("letter")
    clock.advance(GRASP_S)
    with pytest.raises(RuntimeError, match="holds the letter already"):
        porter.pick("package")
    porter.go_to("office")
    with pytest.raises(RuntimeError, match="it is driving"):
        porter.place("letter")
    with pytest.raises(ValueError, match="options are a list of texts"):
        porter.ask("Tea?", [])


def test_people_take_a_moment_to_answer(porter: Porter, clock: SteppedClock) -> None:
    asked = porter.ask("Would you like some tea?", ["yes", "no"])
    clock.advance(2.0)
    assert asked.completed is None
    clock.advance(3.0)
    assert asked.completed is True
    unheard = porter.ask("Really?", ["yes", "no"])
    porter.stop()
    assert unheard.completed is False
    assert [sentence["text"] for sentence in porter.snapshot()["speech"]] == ["Would you like some tea?", "Really?"]


def test_it_is_still_before_a_behaviour(porter: Porter, clock: SteppedClock) -> None:
    porter.go_to("office")
    porter.prepare("", 30)
    assert not porter.driving()
    assert porter.battery == 30
