"""Calls that are right by themselves and wrong where they stand."""

from __future__ import annotations

import pytest

from services.behavior.catalogue import Catalogue, load_catalogue, robots
from services.behavior.program import ProgramError, ProgramReader
from services.behavior.schema import Scene, SceneItem

STAND = 'ALRobotPosture.goToPosture("Stand", 0.5)'
SIT = 'ALRobotPosture.goToPosture("Sit", 0.5)'
LIE = 'ALRobotPosture.goToPosture("LyingBack", 0.5)'
HEY = 'ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")'
SIT_HEY = 'ALAnimationPlayer.run("animations/Sit/Gestures/Hey_1")'
WALK = "ALMotion.moveTo(0.5, 0.0, 0.0)"
TURN = "ALMotion.moveTo(0.0, 0.0, 1.5)"
LOOK = 'ALMotion.setAngles("HeadYaw", 0.5, 0.2)'
YAW = 'ALMotion.angleInterpolation("HeadYaw", 1.5, 2.0, True)'
LEG = 'ALMotion.setAngles("LKneePitch", 0.5, 0.2)'
REST, WAKE = "ALMotion.rest()", "ALMotion.wakeUp()"
STROLL, STOP = "ALMotion.move(0.1, 0.0, 0.0)", "ALMotion.stopMove()"
PLAY = 'ALBehaviorManager.startBehavior("animations/Stand/Gestures/Hey_1")'
STOP_PLAY = "ALBehaviorManager.stopAllBehaviors()"
OTHER_PLAY = 'ALBehaviorManager.startBehavior("animations/Stand/Gestures/Yes_1")'
END_PLAY, END_OTHER = (play.replace("start", "stop", 1) for play in (PLAY, OTHER_PLAY))
BOTH = '["animations/Stand/Gestures/Hey_1", "animations/Stand/Gestures/Yes_1"]'
LIMP = 'ALMotion.setStiffnesses("Head", 0.0)'
IF_LOW = "if ALBattery.getBatteryCharge() < 20:"


def program(*lines: str) -> str:
    return "\n".join(lines)


def find(scene: Scene, text: str, robot: str = "nao", *, pictured: bool = False) -> ProgramError | None:
    """What is found in a program, or None when it is good."""
    reader = ProgramReader(load_catalogue(robot), scene, pictured=pictured)
    try:
        reader.feed(text)
        reader.close()
    except ProgramError as error:
        return error
    return None


GOOD = [
    # Posture and motors
    program(HEY, WALK, SIT, SIT_HEY, 'ALMotion.openHand("LHand")', STAND, WALK),
    program(SIT, 'ALAnimationPlayer.runTag("hello")', 'ALAnimationPlayer.runTag("hello", "Sit")'),
    program(SIT, 'ALAnimatedSpeech.say("^start(animations/Sit/Gestures/Hey_1) Hi")'),
    program(SIT_HEY),
    program(REST, 'ALTextToSpeech.say("Good night")', 'ALLeds.off("AllLeds")', WAKE, WALK),
    program(REST, STAND, HEY),
    program(IF_LOW, "    " + REST, "else:", "    " + WALK),
    program(IF_LOW, "    " + SIT, WAKE, WALK),
    program("for i in range(3):", "    " + SIT, "    " + STAND),
    program(LIMP, 'ALMotion.openHand("LHand")', WALK),
    program(LIMP, 'ALMotion.setStiffnesses("Head", 1.0)', LOOK),
    program(LIMP, WAKE, LOOK),
    # Animations that go on beside the rest
    program(PLAY, "ALBehaviorManager.stopAllBehaviors()", REST),
    program(PLAY, 'ALTextToSpeech.say("Hello, I am NAO, and this takes me longer.")', SIT),
    program(PLAY, STAND, WALK),
    program('ALBehaviorManager.runBehavior("animations/Stand/Gestures/Hey_1")', REST),
    program(PLAY, OTHER_PLAY, END_PLAY, END_OTHER, REST),
    program("for name in " + BOTH + ":", "    ALBehaviorManager.startBehavior(name)", "for name in " + BOTH + ":",
            "    ALBehaviorManager.stopBehavior(name)", REST),
    program(STROLL, STOP, PLAY),
    program(STROLL, STOP, HEY, 'ALAnimationPlayer.runTag("hello")'),
    program(STROLL, 'ALTracker.lookAt([1.0, 0.0, 0.3], 2, 0.3, False)', 'ALAnimatedSpeech.say("I walk.")', STOP),
    program(PLAY, STOP_PLAY, WALK),
    program(PLAY, "time.sleep(8.0)", STROLL),
    # Legs
    program(SIT, LEG),
    program(LIE, 'ALMotion.angleInterpolation(["LKneePitch", "RKneePitch"], [0.5, 0.5], [1.0, 1.0], True)'),
    # Coupled joints
    program('ALMotion.setAngles("HeadYaw", 1.0, 0.2)', 'ALMotion.setAngles("HeadPitch", 0.3, 0.2)'),
    program('ALMotion.setAngles("HeadYaw", 1.5, 0.2)', STAND, 'ALMotion.setAngles("HeadPitch", 0.5, 0.2)'),
    program('ALMotion.setAngles("HeadYaw", 1.5, 0.2)', HEY, 'ALMotion.setAngles("HeadPitch", 0.5, 0.2)'),
    program('ALMotion.setAngles("HeadYaw", 1.5, 0.2)', 'ALMotion.changeAngles("HeadYaw", -1.0, 0.2)',
            'ALMotion.setAngles("HeadPitch", 0.5, 0.2)'),  # it has not come to 1.5 yet, so nobody knows where it ends
    program(YAW, 'ALMotion.changeAngles("HeadYaw", -1.0, 0.2)', 'ALMotion.setAngles("HeadPitch", 0.4, 0.2)'),
    program(YAW, STAND, 'ALMotion.changeAngles("HeadYaw", 0.5, 0.2)', 'ALMotion.setAngles("HeadPitch", 0.5, 0.2)'),
    # Speed
    program('ALMotion.setAngles("HeadYaw", 1.5, 0.2)', 'ALMotion.angleInterpolation("HeadYaw", -1.5, 0.3, True)'),
    program(YAW, 'ALMotion.angleInterpolation("HeadYaw", -1.5, 0.4, True)'),
    program(YAW, STAND, 'ALMotion.angleInterpolation("HeadYaw", -1.5, 0.3, True)'),
    program(IF_LOW, "    " + YAW, 'ALMotion.angleInterpolation("HeadYaw", -1.5, 0.3, True)'),
    # Walks
    program(STROLL, 'ALTextToSpeech.say("I walk.")', STOP, SIT),
    program(STROLL, TURN, SIT),
    program("for i in range(4):", "    " + WALK, "    ALMotion.moveTo(0.0, 0.0, 1.5708)"),
]  # fmt: skip

BAD: list[tuple[str, str, int, str, str]] = [
    (program(SIT, WALK), "posture", 2, "needs posture Standing, and the robot is Sitting since line 1", STAND),
    (program(SIT, TURN), "posture", 2, "moveTo needs posture Standing", STAND),
    (program(LIE, HEY), "posture", 2, "is LyingBack since line 1", STAND),
    (program(STAND, SIT_HEY), "posture", 2, "needs posture Sitting, and the robot is Standing since line 1", SIT),
    (program(HEY, SIT_HEY), "posture", 2, "needs posture Sitting, and the robot is Standing since line 1", SIT),
    (program(SIT, 'ALAnimationPlayer.runTag("hello", "Stand")'), "posture", 2, "Standing", STAND),
    (program(SIT, 'ALAnimatedSpeech.say("^run(animations/Stand/Gestures/No_1) No")'), "posture", 2, "say needs", STAND),
    (program(SIT, 'ALBehaviorManager.startBehavior("animations/Stand/Gestures/Hey_1")'), "posture", 2, "", STAND),
    (program(IF_LOW, "    " + SIT, WALK), "posture", 3, "the robot may be Sitting since line 2", STAND),
    (program("for i in range(2):", "    " + WALK, "    " + SIT), "posture", 2, "Sitting since line 3", STAND),
    (program('p = "Sit"', "ALRobotPosture.goToPosture(p, 0.5)", WALK), "posture", 3, "since line 2", STAND),
    (program(REST, WALK), "posture", 2, "is Crouching since line 1", STAND),
    (program(REST, LOOK), "motors", 2, "setAngles moves the robot, and the motors are off since line 1", WAKE),
    (program(REST, 'ALMotion.openHand("LHand")'), "motors", 2, "the motors are off", WAKE),
    (program(IF_LOW, "    " + REST, LOOK), "motors", 3, "the motors are off since line 2", WAKE),
    (program(LIMP, LOOK), "motors", 2, "the motors of HeadYaw are off since line 1", WAKE),
    (program(LIMP, 'ALTracker.lookAt([1.0, 0.0, 0.3], 2, 0.3, False)'), "motors", 2, "of HeadYaw are off", WAKE),
    (program(REST, 'ALMotion.setStiffnesses("Head", 1.0)', LOOK), "motors", 3, "the motors are off", WAKE),
    (program(LEG), "balance", 1, "LKneePitch, on which the robot stands", "goToPosture"),
    (program(SIT, STAND, LEG), "balance", 3, "it may fall", "goToPosture"),
    (program(STROLL, LEG), "conflict", 2, "moves the legs, and the robot still walks since line 1", STOP),
    (program(STROLL, SIT), "conflict", 2, "goToPosture moves the legs", STOP),
    (program(STROLL, 'ALTextToSpeech.stopAll()', SIT), "conflict", 3, "since line 1", STOP),
    (program(STROLL, REST), "conflict", 2, "rest moves the legs", STOP),
    (program(PLAY, REST), "conflict", 2, "rest leaves posture Standing, which the animation needs that may still go on "
     "since line 1", STOP_PLAY),
    (program(PLAY, 'ALTextToSpeech.say("Hello!")', SIT), "conflict", 3, "leaves posture Standing", STOP_PLAY),
    (program(SIT, 'ALBehaviorManager.startBehavior("animations/Sit/Gestures/Hey_1")', STAND), "conflict", 3,
     "leaves posture Sitting", STOP_PLAY),
    (program(IF_LOW, "    " + PLAY, STOP, REST), "conflict", 4, "since line 2", STOP_PLAY),
    (program(PLAY, END_OTHER, REST), "conflict", 3, "since line 1", STOP_PLAY),
    (program(PLAY, OTHER_PLAY, END_OTHER, REST), "conflict", 4, "since line 1", STOP_PLAY),
    (program(PLAY, OTHER_PLAY, END_PLAY, REST), "conflict", 4, "since line 2", STOP_PLAY),
    (program(IF_LOW, "    " + PLAY, "else:", "    " + OTHER_PLAY, END_OTHER, REST), "conflict", 6, "line 2", STOP_PLAY),
    (program(PLAY, "time.sleep(2.0)", OTHER_PLAY, "time.sleep(6.5)", REST), "conflict", 5, "since line 3", STOP_PLAY),
    (program(STROLL, HEY), "conflict", 2, "run moves the legs, and the robot still walks since line 1", STOP),
    (program(STROLL, PLAY), "conflict", 2, "startBehavior moves the legs", STOP),
    (program(STROLL, 'ALAnimationPlayer.runTag("hello")'), "conflict", 2, "runTag moves the legs", STOP),
    (program(STROLL, 'ALAnimationPlayer.runTag("hello", "Stand")'), "conflict", 2, "moves the legs", STOP),
    (program(STROLL, 'ALBehaviorManager.runBehavior("animations/Stand/Gestures/Hey_1")'), "conflict", 2, "", STOP),
    (program(STROLL, 'ALAnimatedSpeech.say("^start(animations/Stand/Gestures/No_1) No")'), "conflict", 2, "", STOP),
    (program(PLAY, WALK), "conflict", 2, "moveTo walks, and the animation moves the legs that may still go on since "
     "line 1", STOP_PLAY),
    (program(PLAY, "time.sleep(2.0)", STROLL), "conflict", 3, "move walks", STOP_PLAY),
    (
        program('ALMotion.setAngles("HeadYaw", 1.5, 0.2)', 'ALMotion.setAngles("HeadPitch", 0.5, 0.2)'),
        "coupling", 2, "with HeadYaw at 1.5, HeadPitch is 0.5 rad", "between -0.33",
    ),
    (
        program('ALMotion.setAngles("HeadPitch", 0.5, 0.2)',
                'ALMotion.angleInterpolationWithSpeed("HeadYaw", -1.5, 0.2)'),
        "coupling", 2, "with HeadYaw at -1.5, HeadPitch is 0.5 rad", "between -0.33",
    ),
    (
        program('ALMotion.setAngles("HeadPitch", 0.5, 0.2)',
                'ALMotion.angleInterpolation("HeadYaw", [1.5, 0.0], [1.0, 2.0], True)'),
        "coupling", 2, "with HeadYaw at 1.5", "between -0.33",
    ),
    (
        program(YAW, 'ALMotion.changeAngles("HeadYaw", -0.5, 0.2)', 'ALMotion.setAngles("HeadPitch", 0.5, 0.2)'),
        "coupling", 3, "with HeadYaw at 1, HeadPitch is 0.5 rad", "between -0.45",
    ),
    (
        program('ALMotion.setAngles("HeadPitch", 0.4, 0.2)', 'ALTextToSpeech.say("Look!")',
                'ALMotion.changeAngles("HeadPitch", 0.1, 0.2)', YAW),
        "coupling", 4, "with HeadYaw at 1.5, HeadPitch is 0.5 rad", "between -0.33",
    ),
    (
        program(YAW, 'ALMotion.setAngles("HeadPitch", 0.1, 0.2)', 'ALTextToSpeech.say("Look!")',
                'ALMotion.changeAngles("HeadPitch", 0.3, 0.2)'),
        "coupling", 4, "with HeadYaw at 1.5, the change of HeadPitch is 0.3 rad", "between -0.43",
    ),
    (
        program(YAW, 'ALMotion.setAngles("HeadPitch", 0.1, 0.2)', 'ALTextToSpeech.say("Look!")',
                'ALMotion.changeAngles(["HeadYaw", "HeadPitch"], [-0.1, 0.3], 0.2)'),
        "coupling", 4, "with HeadYaw at 1.4, the change of HeadPitch is 0.3 rad", "",
    ),
    (
        program(YAW, 'ALMotion.angleInterpolation("HeadYaw", -1.0, 1.0, False)',
                'ALMotion.setAngles("HeadPitch", 0.5, 0.2)'),
        "coupling", 3, "with HeadYaw at 0.5, HeadPitch is 0.5 rad", "",
    ),
    # Speed
    (
        program(YAW, 'ALMotion.angleInterpolation("HeadYaw", [-1.5, 0.0], [0.3, 1.0], True)'),
        "velocity", 2, "from 1.5 to -1.5 HeadYaw would need 10.0 per second and can do 8.268", "at least 0.36 s",
    ),
    (
        program('ALMotion.setAngles("HeadYaw", 1.5, 0.2)', 'ALTextToSpeech.say("Look!")',
                'ALMotion.angleInterpolation(["HeadYaw", "HeadPitch"], [-1.5, 0.0], [0.3, 0.3], True)'),
        "velocity", 3, "from 1.5 to -1.5 HeadYaw", "at least 0.36 s",
    ),
    (
        program('ALMotion.angleInterpolation("HeadYaw", 1.0, 0.1, False)'),
        "velocity", 1, "HeadYaw would need 10.0 per second", "at least 0.12 s",
    ),
    # Budgets
    (program("for i in range(20):", "    for j in range(11):", '        ALLeds.on("FaceLeds")'), "calls", 3, "201", ""),
    (program("for i in range(20):", '    ALLeds.rasta(30.0)', '    ALLeds.rasta(30.0)', '    ALLeds.rasta(30.0)',
             '    ALLeds.rasta(30.0)'), "seconds", 2, "to 1830 seconds, and 1800 is the most", "loop fewer times"),
    (program("for i in range(20):", "    ALMotion.moveTo(1.0, 0.0, 0.0)", "    ALMotion.moveTo(-1.0, 0.0, 0.0)"),
     "metres", 2, "comes to 31 metres of walking, and 30 is the most", "walk less"),
    (program(STROLL, *['ALTextToSpeech.say("' + 390 * "a" + '")'] * 4), "metres", 5, "31 metres", "walk less"),
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_good_sequences_pass(text: str) -> None:
    assert find(Scene(), text) is None


@pytest.mark.parametrize(("text", "code", "line", "words", "mended"), BAD, ids=[case[0][-60:] for case in BAD])
def test_bad_sequences_are_found(text: str, code: str, line: int, words: str, mended: str) -> None:
    error = find(Scene(), text)
    assert error is not None
    assert (error.code, error.line) == (f"program.{code}", line), str(error)
    assert words in error.message
    assert mended in (error.suggestion or "")


def test_what_a_suggestion_says_passes() -> None:
    for text, code, line, _, mended in BAD:
        lines = text.splitlines()
        indent = " " * (len(lines[line - 1]) - len(lines[line - 1].lstrip()))
        if mended in (STAND, SIT, WAKE, STOP, STOP_PLAY):
            error = find(Scene(), program(*lines[: line - 1], indent + mended, *lines[line - 1 :]))
            assert error is None or (error.code, error.line) != (f"program.{code}", line + 1), (text, error)


def test_the_scene_says_how_the_robot_is() -> None:
    error = find(Scene(posture="Sit"), WALK)
    assert error is not None
    assert (error.code, error.message) == (
        "program.posture",
        "ALMotion.moveTo needs posture Standing, and the robot is Sitting as the program begins",
    )
    assert find(Scene(posture="Sit"), program(STAND, WALK)) is None
    assert find(Scene(posture="Sit"), program(SIT_HEY, LEG)) is None
    assert find(Scene(posture="StandInit"), WALK) is None
    assert find(Scene(posture="Unknown"), WALK) is None


def test_with_too_little_charge_the_robot_does_not_set_off() -> None:
    error = find(Scene(battery=9), program(HEY, WALK))
    assert error is not None
    assert (error.code, error.line) == ("program.battery", 2)
    assert "# Refuse:" in (error.suggestion or "")
    assert find(Scene(battery=9), program(HEY, SIT)) is None
    assert find(Scene(battery=10), WALK) is None


@pytest.mark.parametrize("robot", robots())
def test_no_false_alarm_on_what_the_model_is_shown(robot: str) -> None:
    catalogue = load_catalogue(robot)
    for example in catalogue.examples:
        assert find(example.scene, example.program.strip(), robot) is None


def test_the_budgets_of_a_robot_by_name() -> None:
    drives = program("for i in range(11):", '    robot.go_to("kitchen")')
    error = find(Scene(), drives, "porter")
    assert error is not None
    assert (error.code, error.message) == (
        "program.metres",
        "with robot.go_to the program comes to 440 metres of walking, and 400 is the most",
    )
    assert find(Scene(), drives.replace("11", "10"), "porter") is None


# --- where it walks --------------------------------------------------------------------------------------------------

ROOM = Scene(
    objects=[
        SceneItem(name="box", position=[1.0, 0.0, 0.1]),
        SceneItem(name="lamp", position=[0.0, -1.0, 1.8]),
        SceneItem(name="doorway", position=[-1.0, 0.0, 0.0], passable=True),
    ],
    people=[SceneItem(name="Anna", position=[0.0, 1.0, 0.0])],
)

CLEAR = [
    "ALMotion.moveTo(0.8, 0.0, 0.0)",  # as near as it may come
    "ALMotion.moveTo(0.0, 0.6, 0.0)",
    "ALMotion.moveTo(0.0, -2.0, 0.0)",  # the lamp hangs higher than the robot
    "ALMotion.moveTo(-2.0, 0.0, 0.0)",  # through the doorway
    "ALMotion.moveTo(0.0, 0.0, 3.14)",
    'x, y, z = scene.position("box")\nALMotion.moveTo(x - 0.3, y, 0.0)\nALMotion.moveTo(-0.5, 0.0, 0.0)',
    "ALMotion.moveTo(1.0, -0.3, 0.0)\nALMotion.moveTo(1.0, 0.3, 0.0)",  # round the box
    "ALMotion.moveTo(0.0, 0.0, 1.5708)\nALMotion.moveTo(-2.0, 0.0, 0.0)",
    'd = scene.distance("Anna")\nALMotion.moveTo(0.0, d - 0.5, 0.0)',
    "v = ALSonar.getFilteredValues()\nALMotion.moveTo(v[0], 0.0, 0.0)\nALMotion.moveTo(2.0, 0.0, 0.0)",  # from where?
    # At a speed
    'ALMotion.move(0.1, 0.0, 0.0)\nALTextToSpeech.say("I walk a little.")\nALMotion.stopMove()',  # 0.57 m and no more
    'ALMotion.move(-0.1, 0.0, 0.0)\nALTextToSpeech.say("I walk away from the box, and I speak for long.")',
    'ALMotion.move(0.1, 0.0, 0.0)\nALMotion.stopMove()\nALTextToSpeech.say("Here I stay, and speak for a long time.")',
    'ALMotion.moveToward(0.0, 0.0, 0.5)\nALTextToSpeech.say("I turn on the spot, and I speak for long.")',
    'ALMotion.move(0.0, 0.0, 0.0)\nALRobotPosture.goToPosture("Sit", 0.5)',  # which stands still
    "ALMotion.move(0.0, 0.0, 0.3)\nALMotion.stopMove()\nALMotion.moveTo(0.3, 0.0, 0.0)",  # too far from everything
    # By then it has turned half round
    'ALMotion.move(0.1, 0.0, 0.5)\nALTextToSpeech.say("I walk in a little circle, not far from the box.")',
    'ALMotion.move(0.1, 0.0, 0.5)\nfor i in range(8):\n    ALLeds.fade("FaceLeds", 1.0, 30.0)',  # round and round
]

BLOCKED = [
    ("ALMotion.moveTo(0.9, 0.0, 0.0)", 1, "comes within 0.10 m of 'box'; 0.2 m is the nearest", "only to (0.75, 0.00)"),
    ("ALMotion.moveTo(2.0, 0.0, 0.0)", 1, "walks over the place of 'box'", "only to (0.75, 0.00)"),
    ("ALMotion.moveTo(2.0, 0.15, 0.0)", 1, "of 'box'", "go round it"),
    ("ALMotion.moveTo(0.0, 0.7, 0.0)", 1, "within 0.30 m of 'Anna'; 0.4 m is the nearest", "only to (0.00, 0.55)"),
    ('x, y, z = scene.position("box")\nALMotion.moveTo(x, y, z)', 2, "walks over the place of 'box'", "walk only to"),
    ("for i in range(3):\n    ALMotion.moveTo(0.3, 0.0, 0.0)", 2, "within 0.10 m of 'box'", "only to (0.15, 0.00)"),
    ("ALMotion.moveTo(0.0, 0.0, 1.5708)\nALMotion.moveTo(2.0, 0.0, 0.0)", 2, "of 'Anna'", "only to (0.55, 0.00)"),
    ("ALMotion.moveTo(0.8, 0.0, 0.0)\nALMotion.moveTo(0.1, 0.0, 0.0)", 2, "within 0.10 m of 'box'", "go round it"),
    (
        'ALMotion.move(0.1, 0.0, 0.0)\nALTextToSpeech.say("I walk until I stand before the box there.")', 2,
        "the walk that line 1 began, not stopped for 11 s, comes within 0.11 m of 'box'",
        "walk only to (0.75, 0.00), or go round it; ALMotion.moveTo ends where it is told to",
    ),
    (
        "ALMotion.moveTo(0.75, 0.0, 0.0)\nALMotion.move(0.1, 0.0, 0.0)\nALMotion.stopMove()", 2,
        "ALMotion.move, not stopped for 2 s, comes within 0.05 m of 'box'", "go round it; ALMotion.moveTo",
    ),
    (
        'ALMotion.moveToward(0.0, 0.7, 0.0)\nALTextToSpeech.say("I walk.")\nALTextToSpeech.say("Hello, Anna!")', 3,
        "the walk that line 1 began, not stopped for 7 s, comes within 0.21 m of 'Anna'", "only to (0.00, 0.55)",
    ),
    (
        'ALMotion.move(0.1, 0.0, 0.0)\nif ALBattery.getBatteryCharge() > 50:\n    ALMotion.stopMove()\n'
        'ALTextToSpeech.say("I walk until I stand before the box there.")', 4, "comes within 0.11 m of 'box'", "",
    ),
    ('ALMotion.move(0.1, 0.0, 0.2)\nfor i in range(4):\n    ALLeds.fade("FaceLeds", 1.0, 30.0)', 3, "of 'Anna'", ""),
    # Nobody knows where it is then: it may be as near as it can have come
    ("ALMotion.move(0.0, 0.0, 0.01)\nALMotion.moveTo(2.0, 0.0, 0.0)", 2, "may bring the robot to 'box'", "walk less"),
    ("ALMotion.move(0.0, 0.0, 0.01)\nALMotion.stopMove()\nALMotion.moveTo(2.0, 0.0, 0.0)", 3, "may bring", ""),
    ("for i in range(6):\n    ALMotion.move(0.0, -0.1, 0.0)\n    ALMotion.stopMove()", 2, "may bring the robot to", ""),
    (
        'ALMotion.move(0.1, 0.0, 0.2)\nALTextToSpeech.say("I walk in a wide bow to the left. It is '
        'far, and takes a long time.")', 2, "of 'Anna'", "stop it sooner, or walk another way; ALMotion.moveTo",
    ),
]  # fmt: skip


@pytest.mark.parametrize("text", CLEAR)
def test_ways_that_are_clear_pass(text: str) -> None:
    assert find(ROOM, text) is None


def test_nobody_walks_over_a_person_whatever_the_scene_says_of_them() -> None:
    people = [{"name": "Ann", "position": [1.0, 0.0, 0.0], "passable": True}]
    error = find(Scene.model_validate({"people": people}), "ALMotion.moveTo(2.0, 0.0, 0.0)")
    assert error is not None
    assert error.code == "program.obstacle"


@pytest.mark.parametrize(("text", "line", "words", "mended"), BLOCKED, ids=[case[0] for case in BLOCKED])
def test_ways_into_things_and_people_are_found(text: str, line: int, words: str, mended: str) -> None:
    error = find(ROOM, text)
    assert error is not None
    assert (error.code, error.line) == ("program.obstacle", line), str(error)
    assert words in error.message
    assert mended in (error.suggestion or "")


def test_people_are_in_the_way_wherever_their_faces_are() -> None:
    scene = Scene(people=[SceneItem(name="Anna", position=[1.0, 0.0, 1.7])])
    error = find(scene, "ALMotion.moveTo(1.0, 0.0, 0.0)")
    assert error is not None
    assert error.code == "program.obstacle"


def test_a_robot_may_walk_away_from_what_it_stands_too_near_to() -> None:
    scene = Scene(objects=[SceneItem(name="ball", position=[0.1, 0.0, 0.0])])
    assert find(scene, "ALMotion.moveTo(-0.5, 0.0, 0.0)") is None
    assert find(scene, "ALMotion.moveTo(0.0, 0.5, 0.0)") is None
    error = find(scene, "ALMotion.moveTo(0.5, 0.0, 0.0)")
    assert error is not None
    assert error.code == "program.obstacle"


@pytest.mark.parametrize(
    ("free", "text", "line"),
    [
        (1.0, "ALMotion.moveTo(1.2, 0.0, 0.0)", 1),
        (1.0, "for i in range(3):\n    ALMotion.moveTo(0.5, 0.0, 0.0)", 2),
        (1.0, "ALMotion.moveTo(0.8, 0.0, 0.0)\nALMotion.moveTo(0.0, 0.8, 0.0)", 2),
        (0.5, 'if ALBattery.getBatteryCharge() > 50:\n    ALMotion.moveTo(0.4, 0.0, 0.0)\n'
              "ALMotion.moveTo(0.0, 0.4, 0.0)", 3),
        (0.5, 'ALMotion.move(0.1, 0.0, 0.0)\nALTextToSpeech.say("I walk on and on and on and on.")', 2),
        (0.0, "ALMotion.moveTo(0.1, 0.0, 0.0)", 1),
        (0.1, "ALMotion.move(0.1, 0.0, 0.0)\nALMotion.stopMove()", 1),
    ],
)  # fmt: skip
def test_walks_out_of_the_free_space_are_found(free: float, text: str, line: int) -> None:
    error = find(Scene(free_space=free), text)
    assert error is not None
    assert (error.code, error.line) == ("program.space", line), str(error)
    assert f"stay within {free:g} m" in (error.suggestion or "")


@pytest.mark.parametrize(
    ("free", "text"),
    [
        (1.0, "for i in range(4):\n    ALMotion.moveTo(0.7, 0.0, 0.0)\n    ALMotion.moveTo(0.0, 0.0, 1.5708)"),
        (1.0, "ALMotion.moveTo(1.0, 0.0, 0.0)\nALMotion.moveTo(-1.0, 0.0, 0.0)\nALMotion.moveTo(-1.0, 0.0, 0.0)"),
        (0.5, 'ALMotion.move(0.1, 0.0, 0.0)\nALTextToSpeech.say("On.")\nALMotion.stopMove()\n'
              'ALTextToSpeech.say("Here I stay, and speak for a long time.")'),
        (0.0, "ALMotion.moveTo(0.0, 0.0, 1.0)"),
        (1.0, "v = ALSonar.getFilteredValues()\nALMotion.moveTo(v[0], 0.0, 0.0)"),
        (0.6, 'ALMotion.moveTo(0.5, 0.0, 0.0)\nALMotion.move(-0.1, 0.0, 0.0)\nALTextToSpeech.say("I walk back.")'),
    ],
)  # fmt: skip
def test_walks_within_the_free_space_pass(free: float, text: str) -> None:
    assert find(Scene(free_space=free), text) is None


# --- what it is about ------------------------------------------------------------------------------------------------

HALL = Scene(
    objects=[SceneItem(name="Red Ball", position=[2.0, 2.0, 0.0]), SceneItem(name="椅子", position=[2.0, -2.0, 0.0])],
    people=[SceneItem(name="Zoë", position=[-2.0, 0.0, 0.0])],
)


@pytest.mark.parametrize(
    "target",
    [
        "red ball", "Red Ball", "RED  BALL", "ｒｅｄ ball", "the red ball", "ball", "the red ball near the door", "zoë",
        "Zoë and the red ball", "椅子", "那把椅子", "椅子前面",
        "visitors", "the visitor at the door", "everyone in the room", "me", "you", "the user", "person in front of me",
        "ahead", "left", "one metre ahead", "to the left", "in front of me", "open floor", "sky", "the robot itself",
        "the behind", "behind", "red balls", "n/a", "-", "the ceiling", "NAO",
        "大家", "观众", "前方", "左边", "你", "房间中央",
    ],
)  # fmt: skip
def test_targets_that_are_there_or_no_things_pass(target: str) -> None:
    assert find(HALL, f"# Step 1: go | target: {target}\nALMotion.moveTo(0.2, 0.0, 0.0)") is None


@pytest.mark.parametrize(
    "statement",
    [
        "ALMotion.moveTo(0.2, 0.0, 0.0)",
        "ALMotion.moveTo(0.0, 0.0, 0.5)",
        "ALTracker.lookAt([1.0, 0.0, 0.3], 2, 0.3, False)",
        'ALTracker.pointAt("LArm", [1.0, 0.0, 0.3], 2, 0.3)',
        "for i in range(2):\n    ALMotion.moveTo(0.2, 0.0, 0.0)",
    ],
)
@pytest.mark.parametrize("target", ["sofa", "blue ball", "the door on the left", "table", "沙发", "门", "Bob"])
def test_nobody_goes_to_what_is_not_there(target: str, statement: str) -> None:
    error = find(HALL, f'# Step 1: speak\nALTextToSpeech.say("Hi")\n# Step 2: go | target: {target}\n{statement}')
    assert error is not None
    assert error.code == "plan.target"
    assert error.message == f"step 2 is about {target!r}, which the scene does not have"
    assert error.line == len(statement.splitlines()) + 3
    assert error.suggestion


@pytest.mark.parametrize("target", ["left hand", "the eyes", "head", "双手", "左手"])
def test_a_part_of_the_robot_is_moved_looked_at_or_pointed_with_but_not_gone_to(target: str) -> None:
    step, turn = f"# Step 1: do it | target: {target}", 'ALMotion.angleInterpolationWithSpeed("HeadYaw", 0.5, 0.2)'
    look = "ALTracker.lookAt([0.2, 0.1, 0.3], 2, 0.3, False)"
    assert find(HALL, f"{step}\n{turn}\n{look}\n# Step 2: go\n{WALK}") is None
    for walk in (WALK, f"{turn}\n{WALK}", f"for i in range(2):\n    {WALK}"):
        error = find(HALL, f"{step}\n{walk}")
        assert error is not None
        assert error.code == "plan.target"
        assert error.message == f"step 1 walks, but {target!r} is a part of the robot and nowhere to go"


def test_a_thing_that_is_called_like_a_part_may_be_gone_to() -> None:
    scene = Scene(objects=[SceneItem(name="hand soap", position=[2.0, 0.0, 0.0])])
    assert find(scene, f"# Step 1: go | target: hand soap\n{WALK}") is None


def test_a_name_that_is_nearly_right_is_asked_about() -> None:
    error = find(HALL, "# Step 1: go | target: red bal\nALMotion.moveTo(0.2, 0.0, 0.0)")
    assert error is not None
    assert error.suggestion == "did you mean 'Red Ball'?"
    # A Cyrillic letter that looks like a Latin one.
    error = find(HALL, 'x, y, z = scene.position("r\u0435d ball")\nALMotion.moveTo(x, y, 0.0)')
    assert error is not None
    assert (error.code, error.suggestion) == ("program.target", "did you mean 'Red Ball'?")


@pytest.mark.parametrize(
    "text",
    [
        "# Step 1: tell of it | target: sofa\nALTextToSpeech.say('I see no sofa.')",
        "# Step 1: wave | target: sofa\n" + HEY,
        "# Step 1: light | target: lamp\nALLeds.fadeRGB('FaceLeds', 'red', 1.0)",
        "# Step 1: walk\nALMotion.moveTo(0.2, 0.0, 0.0)",
        "# Step 1: tell of it | target: sofa\nALTextToSpeech.say('No sofa.')\n# Step 2: walk\n" + WALK,
    ],
)
def test_steps_that_go_nowhere_may_be_about_anything(text: str) -> None:
    assert find(HALL, text) is None


def test_what_a_picture_shows_may_be_gone_to() -> None:
    text = "# Step 1: go | target: sofa\nALMotion.moveTo(0.2, 0.0, 0.0)"
    assert find(Scene(), text, pictured=True) is None
    assert find(Scene(), text) is not None


def test_a_robot_that_knows_places_by_name_may_fetch_what_it_does_not_see(catalogue: Catalogue) -> None:
    assert find(Scene(), '# Step 1: fetch | target: mug\nrobot.go_to("kitchen")\nrobot.pick("mug")', "porter") is None
