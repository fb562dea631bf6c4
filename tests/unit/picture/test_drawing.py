"""The pictures: what they show, that they move as they should, and that nothing from outside gets out of its place."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from services.behavior.schema import Scene
from services.picture.balloon import measure, wrap
from services.picture.draw import MAX_BYTES, draw
from services.picture.film import LONGEST_S, film, last_shot, orders
from services.picture.recording import MAX_MOMENTS, Item, Recording, Spoken, scene_items
from services.picture.svg import Clip, text_of
from services.robot.simulator.anatomy import JOINTS
from services.robot.simulator.clock import Activity, SteppedClock
from services.robot.simulator.nao import Nao
from services.robot.simulator.recorder import record

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script> \" onload='x' & ]]> \x00\x1b[31m \u202e &#x3c; {{7*7}}"


def recorded(*doings: Callable[[Nao], Activity | None]) -> Recording:
    """What a robot does when it does these things one after the other."""
    clock = SteppedClock()
    nao = Nao(clock)
    for doing in doings:
        if (activity := doing(nao)) is not None:
            clock.wait_for(activity)
    return record(nao, 0.0)


def arms_up_and_left(nao: Nao) -> Activity:
    nao.motion.set_angles(["LShoulderPitch", "RShoulderPitch"], -1.4, 0.3)
    return nao.motion.set_angles("HeadYaw", 1.0, 0.1)


def walk(nao: Nao) -> Activity:
    return nao.motion.walk_to(0.6, 0.2, 1.0)


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in parsed(svg).iter(f"{SVG}text")]


BEHAVIOURS = {
    "nothing": (),
    "arms": (arms_up_and_left,),
    "speech": (lambda nao: nao.voice.say(HOSTILE[:150]),),
    "walk": (walk, lambda nao: nao.voice.say("Here I am")),
    "sitting": (lambda nao: nao.motion.go_to_posture("Sit", 1.0),),
    "lying": (lambda nao: nao.motion.go_to_posture("LyingBack", 1.0),),
    "fall": (lambda nao: nao.motion.set_angles("LHipPitch", -1.2, 0.5), lambda nao: Activity(nao.clock, 3.0)),
    "lights": (lambda nao: nao.lights.fade_rgb("AllLeds", "red", 1.0),),
}


@pytest.mark.parametrize("still", [False, True])
@pytest.mark.parametrize("what", BEHAVIOURS)
def test_a_picture_is_an_svg_without_scripts_styles_or_anything_from_elsewhere(what: str, still: bool) -> None:
    svg = draw(recorded(*BEHAVIOURS[what]), still=still)
    allowed = {
        "svg", "title", "desc", "defs", "g", "use", "path", "rect", "circle", "ellipse", "clipPath", "text", "tspan",
        "animate", "animateTransform",
    }  # fmt: skip
    ids: list[str] = []
    for element in parsed(svg).iter():
        assert element.tag.removeprefix(SVG) in allowed
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name != "style"
            assert "://" not in value
            assert "nan" not in value
            if name == "href":
                assert value.startswith("#")
            if name == "id":
                ids.append(value)
    assert len(ids) == len(set(ids))
    assert {element.get("href") for element in parsed(svg).iter(f"{SVG}use")} <= {f"#{name}" for name in ids}
    assert ("<animate" in svg) is (not still and what != "nothing") or what == "nothing"


@pytest.mark.parametrize("what", BEHAVIOURS)
def test_every_animation_is_well_formed(what: str) -> None:
    durations = set()
    for element in parsed(draw(recorded(*BEHAVIOURS[what]))).iter():
        if element.tag not in (f"{SVG}animate", f"{SVG}animateTransform"):
            continue
        times = [float(time) for time in (element.get("keyTimes") or "").split(";")]
        values = (element.get("values") or "").split(";")
        assert len(times) == len(values) > 1
        assert (times[0], times[-1]) == (0.0, 1.0)
        assert times == sorted(times)
        if element.get("attributeName") == "d":  # only paths of the same commands pass into each other
            assert len({re.sub(r"[-\d. ]+", "", value) for value in values}) == 1
            assert len({len(re.findall(r"-?\d+", value)) for value in values}) == 1
        durations.add(element.get("dur"))
        assert element.get("repeatCount") == "indefinite"
    assert len(durations) <= 1


def test_raised_arms_are_above_the_head_and_a_head_turned_left_shows_its_right_ear() -> None:
    before, after = last_shot(recorded()), last_shot(recorded(arms_up_and_left))
    for side in "LR":
        assert before.corners[f"{side}palm"][1][1] > before.corners["skull"][0][1]
        assert after.corners[f"{side}palm"][1][1] < after.corners["skull"][0][1] - 0.05
    assert ("Rear" in before.hidden, "Lear" in before.hidden) == (True, False)
    assert ("Rear" in after.hidden, "Lear" in after.hidden) == (False, True)
    assert {"Leye", "Reye"}.isdisjoint(after.hidden)


def test_seen_from_behind_it_has_no_face() -> None:
    behind = last_shot(recorded(lambda nao: nao.motion.walk_to(0.0, 0.0, 3.0)))
    assert {"Leye", "Reye", "mouth", "button"} <= behind.hidden


@pytest.mark.parametrize("what", BEHAVIOURS)
def test_nothing_is_below_the_floor_nor_the_whole_robot_above_it(what: str) -> None:
    shots = film(recorded(*BEHAVIOURS[what])).shots
    assert shots[-1].state == recorded(*BEHAVIOURS[what]).at(1e9)
    for shot in shots:
        heights = [y for corners in shot.corners.values() for _, y in corners]
        assert 0.02 < max(heights) - min(heights) < 0.9


def test_the_film_lasts_as_long_as_the_behaviour_unless_that_is_long() -> None:
    short = film(recorded(walk))
    assert short.speed == 1.0
    assert short.shots[-1].time == pytest.approx(recorded(walk).seconds)
    long = film(recorded(lambda nao: nao.motion.walk_to(6.0, 0.0, 0.0)))
    assert long.shots[-1].time == pytest.approx(LONGEST_S)
    assert long.speed == pytest.approx(63.0 / LONGEST_S)
    assert "63.0 s, played 2.6 times as fast" in texts(draw(recorded(lambda nao: nao.motion.walk_to(6.0, 0.0, 0.0))))


def test_members_are_drawn_from_the_farthest_to_the_nearest() -> None:
    shots = film(recorded(arms_up_and_left)).shots
    found = orders(shots)
    assert found[0][0] == 0
    assert all(len(order) == len(shots[0].depths) for _, order in found)
    assert found[0][1].index("Rthigh") < found[0][1].index("Lthigh")  # the camera is on its left
    turned = film(recorded(lambda nao: nao.motion.walk_to(0.0, 0.0, 3.0))).shots
    order = orders(turned)[-1][1]
    assert order.index("Lthigh") < order.index("Rthigh")


def test_the_lights_are_in_their_colours() -> None:
    svg = draw(recorded(lambda nao: nao.lights.fade_rgb("FaceLeds", "green", 1.0)))
    eye = next(use for use in parsed(svg).iter(f"{SVG}use") if use.get("href") == "#Leye")
    (animation,) = [part for part in eye if part.get("attributeName") == "fill"]
    assert (animation.get("values") or "").startswith("#ffffff;")
    assert eye.get("fill") == "#00ff00"


def test_what_it_says_stands_in_a_balloon_while_it_says_it() -> None:
    svg = draw(recorded(lambda nao: nao.voice.say("First of all"), lambda nao: nao.voice.say("你好,世界")))
    balloons = [group for group in parsed(svg).iter(f"{SVG}g") if group.get("visibility") == "hidden"]
    assert ["".join(balloon.itertext()) for balloon in balloons] == ["First of all", "你好,世界"]
    ends = [[float(time) for time in balloon[0].attrib["keyTimes"].split(";")] for balloon in balloons]
    assert ends[0][2] == pytest.approx(ends[1][1], abs=1e-3)
    assert texts(draw(recorded(lambda nao: nao.voice.say("First"), lambda nao: nao.voice.say("Last")), still=True))[
        0
    ] == ("Last")


def test_names_and_words_from_outside_are_shown_as_they_are() -> None:
    recording = recorded(lambda nao: nao.voice.say("<b>&amp;</b>"))
    recording.items = [Item(name="<b>'\"&", x=500, y=0)]
    svg = draw(recording)
    assert "<b>&amp;</b>" in texts(svg)
    assert "<b>'\"&" in texts(svg)
    assert "<b>" not in svg


def test_characters_that_cannot_be_seen_are_left_out() -> None:
    assert text_of("a\x00b\x1b\u202ec\n<") == "a b  c &lt;"
    draw(recorded(lambda nao: nao.voice.say(HOSTILE)))


def test_the_plan_is_there_when_there_is_something_to_show() -> None:
    assert "0.5 m, seen from above" not in texts(draw(recorded(arms_up_and_left)))
    assert "0.5 m, seen from above" in texts(draw(recorded(walk)))
    scene = Scene.model_validate(
        {
            "objects": [{"name": "red ball", "position": [0.6, 0.1, 0.0]}],
            "people": [{"name": "a person with a long name", "position": [9.0, -3.0, 0.0]}],
        }
    )
    recording = recorded(arms_up_and_left)
    recording.items = scene_items(scene)
    assert {"red ball", "a person with a l…", "2 m, seen from above"} <= set(texts(draw(recording)))


def test_a_fall_is_told() -> None:
    svg = draw(recorded(*BEHAVIOURS["fall"]))
    assert any(re.fullmatch(r"fell after 0\.\d s", text) for text in texts(svg))
    (told,) = parsed(svg).iter(f"{SVG}desc")
    assert "because its centre of mass left the support of its feet" in (told.text or "")


def test_the_most_restless_behaviour_makes_no_larger_picture() -> None:
    noise = random.Random(1)

    def column(low: float, high: float) -> list[int]:
        return [round(noise.uniform(low, high) * 1000) for _ in range(MAX_MOMENTS)]

    restless = Recording(
        robot="nao",
        moments=[500 * n for n in range(MAX_MOMENTS)],
        joints={name: column(joint.low, joint.high) for name, joint in JOINTS.items()},
        on_feet=column(0, 1),
        lean=column(-1.5, 1.5),
        x=column(-9, 9),
        y=column(-9, 9),
        theta=column(-9, 9),
        steps=[400 * n for n in range(MAX_MOMENTS)],
        leds={"LeftFaceLeds": [noise.randint(0, 0xFFFFFF) for _ in range(MAX_MOMENTS)]},
        spoken=[Spoken(begins=4000 * n, ends=4000 * n + 3000, text="字" * 160) for n in range(40)],
        items=[Item(name="&" * 80, x=100 * n, y=50 * n, person=n % 2 == 0) for n in range(32)],
    )
    svg = draw(restless)
    assert len(svg.encode()) <= MAX_BYTES
    parsed(svg)


def test_others_may_work_while_it_draws() -> None:
    pauses = 0

    def pause() -> None:
        nonlocal pauses
        pauses += 1

    draw(recorded(walk), pause=pause)
    assert pauses > 100


def test_a_value_is_written_only_where_it_changes() -> None:
    clip = Clip([0.0, 1.0, 2.0, 3.0, 4.0], 5.0)
    assert clip.animate("d", ["a"] * 5) == ""
    assert 'keyTimes="0;.2;.4;.8;1"' in clip.animate("d", ["a", "b", "c", "c", "c"])
    assert 'values="a;b;c;c;c"' in clip.animate("d", ["a", "b", "c", "c", "c"])
    jumping = clip.animate("display", ["none", "none", "inline", "inline", "none"], jumps=True)
    assert 'values="none;inline;none;none"' in jumping
    assert 'keyTimes="0;.4;.8;1"' in jumping


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("short", ["short"]),
        ("two words", ["two words"]),
        ("one two three four five six", ["one two three four", "five six"]),
        ("Donaudampfschifffahrtsgesellschaft", ["Donaudampfschifffa", "hrtsgesellschaft"]),
        ("你好世界你好世界你好世界", ["你好世界你好世界你好", "世界"]),
        ("a b " * 40, ["a b a b a b a b a", "b a b a b a b a b", "a b a b a b a b a…"]),
        ("", [""]),
    ],
)
def test_words_are_broken_into_lines(words: str, rows: list[str]) -> None:
    assert wrap(words, 10.0, 3) == rows
    assert all(measure(row) <= 10.0 for row in rows)
