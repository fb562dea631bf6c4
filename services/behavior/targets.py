"""Whether what a step of a plan is about is there."""

from __future__ import annotations

import re

from services.behavior.catalogue import Catalogue
from services.behavior.errors import CheckError
from services.behavior.scene import SceneView
from services.behavior.schema import PlanStep, fold
from services.behavior.words import did_you_mean

_ARTICLES = {"the", "a", "an"}
# What a target is about stands before these: "visitor at the door", "top of the hill".
_PREPOSITION = re.compile(r"\b(?:at|behind|beside|by|from|in|near|next|of|on|over|to|towards?|under|who|with)\b")
_WORD = re.compile(r"[\w']+")

# Words for no thing in particular: people, the robot itself, directions and the ground.
_WORDS = """
adult adults anybody anyone audience boy boys child children class crowd everybody everyone family friend friends girl
girls group guest guests her him human humans kid kids listener listeners man me men nobody operator owner passerby
people person public someone somebody speaker spectators student students teacher team them us user users viewer viewers
visitor visitors we woman women you
it itself myself robot self yourself
ahead area around aside away back backward backwards behind below ceiling center centre circle clockwise corner
direction distance down end floor forward forwards front ground here home left line meter meters metre metres middle
none nothing path place point position right room side sideways sky space spot square start steps there turn up way
"""
# The same in Chinese, where words are not set apart: a target that ends so is about no thing.
_ENDINGS = """
人 人们 大家 各位 观众 访客 客人 来宾 游客 朋友 孩子 孩子们 同学 学生 老师 用户 主人
你 您 我 他 她 他们 你们 我们 机器人 自己
前 后 左 右 上 下 前方 后方 左方 右方 左侧 右侧 前面 后面 左边 右边 上面 下面 旁边
周围 四周 原地 这里 那里 远处 附近 方向 地面 地板 房间 天空 空地 中间 中央 位置 处 米
"""
WORDS = frozenset(_WORDS.split())
ENDINGS = tuple(_ENDINGS.split())


class Targets:
    """Tells whether the target of a step may be walked, looked or pointed to, in one scene.

    Only steps whose statements go, look or point somewhere that is given in metres are asked: what nobody perceives has
    no place, so the numbers of such a step are made up. A target is there when it names a thing of the scene, whatever
    else it says of it ("the red ball near the door"), or some of the name ("ball"), or when what it is about is no
    thing: people in general, the robot and its parts, a direction, the ground. What it is about is its last word before
    the first preposition ("visitor at the door": visitor), and in Chinese its ending. The robot's parts are with it
    wherever it is, so a step that walks is about none of them: it may look at its hand, but not go to it.
    """

    def __init__(self, catalogue: Catalogue, scene: SceneView) -> None:
        self._names = scene.names
        self._folded = [fold(name) for name in scene.names]
        self._robot = fold(catalogue.name)
        self._parts = tuple(fold(part) for part in catalogue.parts)

    def check(self, step: PlanStep, *, walks: bool) -> None:
        """Check the target of a step that walks (``walks``), or looks or points somewhere.

        Raises:
            CheckError: ``plan.target``, nothing in the scene is called so, or it walks about a part of the robot.
        """
        if step.target is None or self._is_there(about := fold(step.target)):
            return
        if self._is_part(about):
            if not walks:
                return
            message = f"step {step.step} walks, but {step.target!r} is a part of the robot and nowhere to go"
            raise CheckError("plan.target", message, "walk only to what the scene has, or do it without walking")
        message = f"step {step.step} is about {step.target!r}, which the scene does not have"
        near = did_you_mean(step.target, self._names) if self._names else ""
        hint = near if near.startswith("did") else "say that it is not there, or refuse"
        raise CheckError("plan.target", message, hint)

    def _is_there(self, target: str) -> bool:
        if target == "n/a" or not any(map(str.isalnum, target)):
            return True
        one = target.removesuffix("s")
        if any(_within(name, target) or _within(name, one) or _within(one, name) for name in self._folded):
            return True
        about = _about(target)
        return about in WORDS or about.endswith(ENDINGS) or _within(self._robot, about)

    def _is_part(self, target: str) -> bool:
        about = _about(target)
        return any(_within(part, about) for part in self._parts)


def _about(target: str) -> str:
    """The word that tells what a target is about."""
    first = _WORD.findall(_PREPOSITION.split(target.removeprefix("in front of "))[0])
    words = first if set(first) - _ARTICLES else _WORD.findall(target)  # of "the behind" all words count
    return words[-1] if words else ""


def _within(part: str, whole: str) -> bool:
    """Whether a text stands in another; in scripts that set words apart, as whole words."""
    start = whole.find(part)
    while start >= 0:
        end = start + len(part)
        begins = start == 0 or not (_joins(whole[start - 1]) and _joins(part[0]))
        if begins and (end == len(whole) or not (_joins(part[-1]) and _joins(whole[end]))):
            return True
        start = whole.find(part, start + 1)
    return False


def _joins(character: str) -> bool:
    """Whether a letter makes one word with its neighbour, which Chinese and Japanese ones do not."""
    return character.isalnum() and not "\u2e80" <= character <= "\u9fff"
