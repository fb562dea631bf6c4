"""One sentence in another voice, and then the normal one again; two sentences in two voices."""

from __future__ import annotations

from services.training.dataset.sayings import line, quoted, said, sentence, simple
from services.training.dataset.task import Predicate, Step, Task, World, skill

_SPEED = 'ALTextToSpeech.setParameter("speed", {})'
_PITCH = 'ALTextToSpeech.setParameter("pitchShift", {})'
_VOLUME = "ALTextToSpeech.setVolume({})"
#: Manners: goal, the call before and the one after, what shows them, words in English and Chinese.
_MANNERS: dict[str, tuple[str, str, str, Predicate, Predicate, tuple[str, ...], tuple[str, ...]]] = {
    "quiet": (
        "speak quietly", _VOLUME.format(0.3), _VOLUME.format(0.7), {"volume": [0.0, 0.4]}, {"volume": [0.5, 0.8]},
        ("quietly", "in a low voice", "softly", "in a whisper"), ("小声", "轻声", "悄悄", "低声"),
    ),
    "loud": (
        "speak loudly", _VOLUME.format(0.9), _VOLUME.format(0.7), {"volume": [0.8, 1.0]}, {"volume": [0.5, 0.8]},
        ("loudly", "in a loud voice", "at the top of your voice"), ("大声", "高声", "扯着嗓子"),
    ),
    "slow": (
        "speak slowly", _SPEED.format(70), "ALTextToSpeech.resetSpeed()", {"speed": [50, 90]}, {"speed": [100, 100]},
        ("slowly", "very slowly", "at a slow pace"), ("慢慢地", "慢速", "放慢语速"),
    ),
    "fast": (
        "speak fast", _SPEED.format(150), "ALTextToSpeech.resetSpeed()", {"speed": [110, 400]}, {"speed": [100, 100]},
        ("quickly", "fast", "very fast"), ("快快地", "快速", "用很快的语速"),
    ),
    "high": (
        "use a high voice", _PITCH.format(1.3), _PITCH.format(0), {"pitch": [1.05, 4.0]}, {"pitch": [0.0, 1.0]},
        ("in a high voice", "in a squeaky voice", "in a high-pitched voice"), ("用尖尖的声音", "用高音调", "捏着嗓子"),
    ),
}  # fmt: skip


@skill("voice", weight=2.0)
def say_and_reset(world: World) -> Task | None:
    """Say something in another voice and go back to the normal one."""
    text = sentence(world)
    if not simple(text, world.language):
        return None
    goal, call, back, heard, normal, en, zh = _MANNERS[world.random.choice(list(_MANNERS))]
    steps = [Step(goal, [call]), Step("say it", [line(text)]), Step("normal voice", [back])]
    must = [{"voice": heard}, said(text), {"voice": normal}]
    slots = {"how": world.one_of(en, zh), "what": quoted(world, text)}
    return Task(steps, slots, must=must, event=said(text), tags=["voice", "speech"])


@skill("voice", weight=1.4)
def two_voices(world: World) -> Task | None:
    """Say one thing in one voice and another in another."""
    first, second = sentence(world), sentence(world)
    if not (simple(first, world.language) and simple(second, world.language)) or first == second:
        return None
    one, other = world.random.choice([("quiet", "loud"), ("loud", "quiet"), ("slow", "fast"), ("fast", "slow")])
    slots: dict[str, str] = {}
    steps, must = [], []
    for number, (kind, text) in enumerate(((one, first), (other, second)), start=1):
        goal, call, _, heard, _, en, zh = _MANNERS[kind]
        steps.append(Step(goal, [call, line(text)]))
        must += [{"voice": heard}, said(text)]
        slots |= {f"how{number}": world.one_of(en[:2], zh), f"what{number}": quoted(world, text)}
    return Task(steps, slots, must=must, event=said(first), tags=["voice", "speech"])
