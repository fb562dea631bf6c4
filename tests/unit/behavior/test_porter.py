"""A robot that is no NAO goes through the same checks, with its own words."""

from __future__ import annotations

import pytest

from services.behavior.catalogue import load_catalogue
from services.behavior.check import CheckError, check_call
from services.behavior.program import ProgramError, ProgramReader
from services.behavior.schema import Scene, SceneItem

PORTER = load_catalogue("porter")
HALL = Scene(people=[SceneItem(name="Anna", position=[1.0, 0.2, 0.0])])


def read(program: str) -> None:
    reader = ProgramReader(PORTER, HALL)
    reader.feed(program)
    reader.close()


@pytest.mark.parametrize(
    "program",
    [
        '# Step 1: fetch the mug | target: mug\nrobot.go_to("kitchen")\nrobot.pick("mug")\nrobot.place("mug")',
        'answer = robot.ask("Anna", "Tea?", ["yes", "no"])\nif answer == "yes":\n    robot.go_to("kitchen")',
        'for room in ["office", "lobby"]:\n    robot.go_to(room)\nif robot.is_in_room("person"):\n    robot.say("Hi")',
        'here = robot.get_current_location()\nrobot.go_to("lobby")\nrobot.go_to(here)',
        'rooms = robot.get_all_rooms()\nrobot.go_to(rooms[0])\nrobot.say("I am in the " + rooms[0])',
        'if scene.distance("Anna") < 2:\n    robot.say("Hello Anna")',
        '# Refuse: it could hurt a person\nrobot.say("No.")',
    ],
)
def test_good_programs_pass(program: str) -> None:
    read(program)


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ('robot.go_to("kitchn")', "enum", "did you mean 'kitchen'"),
        ('robot.pick("piano")', "enum", "thing cannot be 'piano'"),
        ('robot.place("person")', "enum", "thing cannot be 'person'"),
        ('robot.ask("Anna", "Tea?", "yes")', "type", "options is 'yes'; give a list of texts"),
        ('robot.ask("Anna", "Tea?", [])', "type", "empty list"),
        ("robot.drive(1.0)", "denied", "without an end"),
        ("robot.fly()", "method", "robot has no method 'fly'"),
        ("ALMotion.moveTo(0.1, 0.0, 0.0)", "service", "Porter service robot has no service 'ALMotion'"),
        ('# Refuse: no\nrobot.go_to("lobby")', "refusal", "may only speak"),
        ("robot = 3", "name", "'robot' is taken"),
        ('robot.say("a\\\\b" * 3)', "type", "arithmetic needs numbers"),
    ],
)
def test_bad_programs_do_not(program: str, code: str, words: str) -> None:
    with pytest.raises(ProgramError, match=words) as caught:
        read(program)
    assert caught.value.code == f"program.{code}"


def test_calls_are_checked_when_they_run() -> None:
    assert check_call(PORTER, "robot", "ask", ["Anna", "Tea?", ("yes", "no")]) == ["Anna", "Tea?", ["yes", "no"]]
    with pytest.raises(CheckError, match="room cannot be 'cellar'"):
        check_call(PORTER, "robot", "go_to", ["cellar"])
