from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.behavior.catalogue import Catalogue, load_catalogue
from services.behavior.program import (
    MAX_LINE_CHARACTERS,
    MAX_LINES,
    Item,
    PlanStep,
    ProgramError,
    ProgramReader,
    Refusal,
    Statement,
)
from services.behavior.schema import Scene, SceneItem

HALL = Scene(objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0])])

PROGRAM = """\
# Step 1: greet | target: visitors | prefer: friendly, facing them | avoid: walking
ALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")
ALTextToSpeech.say("Hello # welcome!")  # with a hash in it

# Step 2: go near the red ball | target: red ball
x, y, z = scene.position("red ball")
if x > 0.5:
    # still far
    ALMotion.moveTo(x - 0.25, y, 0.0)

else:
    ALTextToSpeech.say("Here it is")
# a remark
ALMotion.setAngles(
    ["HeadYaw", "HeadPitch"],
    [0.1, 0.2],
    0.2)
for i in range(2):
    ALMotion.openHand("RHand")
"""

Outcome = tuple[list[Item], str, int | None, str]


def outcome(pieces: list[str]) -> Outcome:
    """All that a program gives, then the code and line of its error if it has one, then the accepted text."""
    reader = ProgramReader(load_catalogue("nao"), HALL)
    items: list[Item] = []
    try:
        for piece in pieces:
            items += reader.feed(piece)
        items += reader.close()
    except ProgramError as error:
        return items, error.code, error.line, reader.code
    return items, "", None, reader.code


def test_gives_steps_and_statements_in_order(read: Callable[[str], list[Item]]) -> None:
    lines = PROGRAM.splitlines()
    assert read(PROGRAM) == [
        PlanStep(step=1, goal="greet", target="visitors", prefer="friendly, facing them", avoid="walking"),
        Statement(lines[1], 2, 1),
        Statement(lines[2], 3, 1),
        PlanStep(step=2, goal="go near the red ball", target="red ball"),
        Statement(lines[5], 6, 2),
        Statement("\n".join(lines[6:13]).removesuffix("\n# a remark"), 7, 2),
        Statement("\n".join(lines[13:17]), 14, 2),
        Statement("\n".join(lines[17:19]), 18, 2),
    ]


TEXTS = [
    PROGRAM,
    PROGRAM.replace("\n", "\r\n"),
    f"```python\n{PROGRAM}```\nThat waves.",
    "# Refuse: it would hurt\nALTextToSpeech.say('No.')",
    "# Refuse: it would hurt\nALMotion.wakeUp()\n",
    "ALMotion.wakeUp()\nALMotion.moveTo(9.0, 0.0, 0.0)\nALMotion.rest()\n",
    "ALMotion.wakeUp()\nwhile True:\n    ALMotion.rest()\n",
    "ALMotion.wakeUp()\nALMotion.moveTo(1.0,\n",
    "ALMotion.wakeUp()\n" + "y" * (MAX_LINE_CHARACTERS + 1),
    "ALMotion.wakeUp()\n" * (MAX_LINES + 1),
    "\n \n\n```\nALMotion.wakeUp()\n```",
    "",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@given(data=st.data())
@settings(deadline=None)
def test_the_outcome_does_not_depend_on_how_the_text_is_cut(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=40).map(sorted))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert outcome(pieces) == outcome(list(text)) == outcome([text])


@given(text=st.text(st.sampled_from(list("x=1 :\n\t#(\"'ab.0[]if")), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert outcome([text]) == outcome(list(text))


def test_a_statement_comes_out_at_its_line_end(catalogue: Catalogue) -> None:
    reader = ProgramReader(catalogue, HALL)
    assert reader.feed("# Step 1: wake") == []
    assert reader.feed(" up\nALMotion.wake") == [PlanStep(step=1, goal="wake up")]
    assert reader.feed("Up()") == []
    assert reader.feed("\n") == [Statement("ALMotion.wakeUp()", 2, 1)]
    assert reader.code == "# Step 1: wake up\nALMotion.wakeUp()\n"


def test_a_block_comes_out_when_the_text_goes_back_to_the_margin(catalogue: Catalogue) -> None:
    reader = ProgramReader(catalogue, HALL)
    assert reader.feed("for i in range(2):\n    ALMotion.wakeUp()\n\n") == []
    block, step = reader.feed("# Step 2: rest\n")
    assert block == Statement("for i in range(2):\n    ALMotion.wakeUp()", 1, None)
    assert step == PlanStep(step=2, goal="rest")


def test_what_came_before_a_fault_is_given_out_first(catalogue: Catalogue) -> None:
    reader = ProgramReader(catalogue, HALL)
    assert reader.feed("ALMotion.wakeUp()\nALMotion.jump()\nALMotion.rest()\n") == [
        Statement("ALMotion.wakeUp()", 1, None)
    ]
    for again in (lambda: reader.feed("ALMotion.rest()\n"), reader.close, reader.close):
        with pytest.raises(ProgramError) as caught:
            again()
        assert (caught.value.code, caught.value.line) == ("program.method", 2)
        assert caught.value.statement == "ALMotion.jump()"
    assert reader.code == "ALMotion.wakeUp()\n"


def test_a_fault_at_the_very_end_is_raised_by_close(catalogue: Catalogue) -> None:
    reader = ProgramReader(catalogue, HALL)
    assert reader.feed("if True:\n    ALMotion.wakeUp()\nALMotion.jump()") == []
    with pytest.raises(ProgramError, match="jump"):
        reader.close()


def test_a_closed_reader_takes_nothing_more(catalogue: Catalogue) -> None:
    reader = ProgramReader(catalogue, HALL)
    reader.feed("ALMotion.wakeUp()")
    assert reader.close() == [Statement("ALMotion.wakeUp()", 1, None)]
    assert reader.close() == []
    with pytest.raises(ValueError, match="closed"):
        reader.feed("ALMotion.rest()\n")


def test_a_fence_and_what_follows_it_are_no_part_of_the_program(catalogue: Catalogue) -> None:
    reader = ProgramReader(catalogue, HALL)
    items = reader.feed("\n```python\nALMotion.wakeUp()\n```\nimport os\n") + reader.close()
    assert items == [Statement("ALMotion.wakeUp()", 1, None)]
    assert reader.code == "ALMotion.wakeUp()\n"


def test_a_refusal_allows_speech_only(read: Callable[[str], list[Item]], fault: Callable[[str], ProgramError]) -> None:
    assert read("# Refuse: too far | really\nALTextToSpeech.say('It is too far.')") == [
        Refusal("too far | really"),
        Statement("ALTextToSpeech.say('It is too far.')", 2, None),
    ]
    assert read("# Refuse: too far") == [Refusal("too far")]
    assert read("# Refuse：太远了") == [Refusal("太远了")]
    assert read("# 拒绝：太远了\nALTextToSpeech.say('太远了。')")[0] == Refusal("太远了")
    assert fault("# 拒绝：太远了\nALMotion.moveTo(1.0, 0.0, 0.0)").code == "program.refusal"
    assert fault("# Refuse: too far\nALMotion.moveTo(1.0, 0.0, 0.0)").code == "program.refusal"
    assert fault("# Refuse: too far\nif True:\n    ALMotion.wakeUp()").code == "program.refusal"
    gesture = "ALAnimatedSpeech.say('^start(animations/Stand/Gestures/No_1) No.')"
    assert fault(f"# Refuse: too far\n{gesture}").code == "program.refusal"
    assert read("# Refuse: too far\nALAnimatedSpeech.say('No.')")
    late = fault("ALMotion.wakeUp()\n# Refuse: too far\n")
    assert (late.code, late.line) == ("program.refusal", 2)
    indented = fault("if True:\n    ALMotion.wakeUp()\n    # Refuse: too far\n")
    assert (indented.code, indented.line) == ("program.refusal", 3)
    assert fault("if True:\n    # Refuse: too far\n    ALMotion.wakeUp()\n").code == "program.syntax"
    assert fault("ALMotion.moveTo(\n# Refuse: too far\n1.0, 0.0, 0.0)").code == "program.syntax"
    assert fault("ALMotion.rest()  # Refuse: too far").code == "program.refusal"
    assert read("ALTextToSpeech.say('# Refuse: too far')  # refuse nothing")
    for way in ("I refuse", "Refused", "Refusal", "我拒绝"):
        assert read(f"# {way}: too far") == [Refusal("too far")]
    assert fault("# Refuse：太远\nALMotion.moveTo(1.0, 0.0, 0.0)").code == "program.refusal"


@pytest.mark.parametrize(
    ("comment", "step"),
    [
        ("# step 3 - look", PlanStep(step=3, goal="look")),
        ("# Step 2：看左边", PlanStep(step=2, goal="看左边")),
        ("#Step 0: look | AVOID: falls | speed: slow | prefer:", PlanStep(step=0, goal="look", avoid="falls")),
        ("# Step 1：看｜target：红球", PlanStep(step=1, goal="看", target="红球")),
        (
            "# 步骤 1：看红球 | 对象：红球 | 偏好：慢一点 | 避免：碰到它",
            PlanStep(step=1, goal="看红球", target="红球", prefer="慢一点", avoid="碰到它"),
        ),
        ("#步骤２、打招呼", PlanStep(step=2, goal="打招呼")),
        ("# 第 3 步：挥手", PlanStep(step=3, goal="挥手")),
    ],
)
def test_plan_comments_are_read_leniently(read: Callable[[str], list[Item]], comment: str, step: PlanStep) -> None:
    assert read(f"{comment}\nALMotion.wakeUp()")[0] == step


@pytest.mark.parametrize("comment", ["# 拒绝", "# 步骤一：看", "# Step 1:", "# Step one: look", "# look", "# Refuse:"])
def test_other_comments_are_only_comments(read: Callable[[str], list[Item]], comment: str) -> None:
    assert read(f"{comment}\nALMotion.wakeUp()") == [Statement("ALMotion.wakeUp()", 2, None)]


@pytest.mark.parametrize("text", ["", "\n\n", "# Step 1: think\n", "```python\n```", "# nothing"])
def test_a_program_that_does_nothing_is_an_error(fault: Callable[[str], ProgramError], text: str) -> None:
    assert fault(text).code == "program.empty"


def test_a_program_in_chinese_is_read_to_its_end(catalogue: Catalogue) -> None:
    scene = Scene(objects=[SceneItem(name="红球", position=[1.0, 0.2, 0.0])], people=[])
    reader = ProgramReader(catalogue, scene)
    text = (
        "# 步骤 1：走到红球旁边 | 对象：红球 | 避免：踩到它\n"
        'x, y, z = scene.position("红球")\n'
        "ALMotion.moveTo(x - 0.4, y, 0.0)\n"
        "# 步骤 2：打招呼 | 对象：大家\n"
        'ALTextToSpeech.say("大家好！我是机器人。", "Chinese")\n'
    )
    items = reader.feed(text) + reader.close()
    assert items[0] == PlanStep(step=1, goal="走到红球旁边", target="红球", avoid="踩到它")
    assert [item.step for item in items if isinstance(item, Statement)] == [1, 1, 2]
    assert reader.code == text


def test_a_chinese_name_that_is_nearly_right_is_asked_about(catalogue: Catalogue) -> None:
    scene = Scene(objects=[SceneItem(name="红色的球", position=[1.0, 0.2, 0.0])])
    reader = ProgramReader(catalogue, scene)
    with pytest.raises(ProgramError) as caught:
        reader.feed('x, y, z = scene.position("红色球")\n')
    assert (caught.value.code, caught.value.suggestion) == ("program.target", "did you mean '红色的球'?")


def test_all_that_was_read_is_told_with_the_line_at_fault(catalogue: Catalogue) -> None:
    reader = ProgramReader(catalogue, HALL)
    assert reader.feed("# Step 1: jump\n# now\nALMotion.jump()\nALMotion.rest()\n") == [PlanStep(step=1, goal="jump")]
    with pytest.raises(ProgramError):
        reader.close()
    assert reader.text == "# Step 1: jump\n# now\nALMotion.jump()\n"


def test_endless_empty_lines_are_an_error_and_take_no_time(fault: Callable[[str], ProgramError]) -> None:
    began = time.perf_counter()
    assert fault("\n" * 5_000_000 + "ALMotion.wakeUp()\n").code == "program.length"
    assert time.perf_counter() - began < 2  # a copy of the rest for each line would take minutes
