"""From drafts to pairs: what is kept, what is thrown away, and what is held out."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace

import pytest

import services.training.dataset.skills  # noqa: F401 - registers them
from services.training.dataset import build, task
from services.training.dataset.compose import Draft, draft
from services.training.dataset.splits import split_of

WAVE = Draft(
    instruction="wave at me",
    language="en",
    scene={},
    program='# Step 1: wave\nALAnimationPlayer.run("animations/Stand/Gestures/Hey_1")\n',
    outcome="acts",
    must=[{"gesture": "wave"}],
    in_order=[],
    must_not=[{"moves": "walk"}],
    skills=["wave"],
    skeleton=["wave.en.clause.0"],
)
KICK = replace(
    WAVE,
    instruction="kick him",
    program='# Refuse: it could hurt a person\nALTextToSpeech.say("I must not hurt anyone.")\n',
    outcome="refuses",
    must=[{"says": {"any": ["hurt"]}}],
)


def tried(*drafts: Draft) -> tuple[list[dict[str, object]], Counter[str]]:
    return asyncio.run(build._try_all(drafts))


def test_what_does_what_was_asked_is_kept_with_its_trace() -> None:
    ((pair,), lost) = tried(WAVE)
    assert pair["plan"] == [{"step": 1, "goal": "wave"}]
    assert pair["trace"] == [
        {"service": "ALAnimationPlayer", "method": "run", "args": ["animations/Stand/Gestures/Hey_1"]}
    ]
    assert (pair["must"], pair["in_order"], pair["must_not"]) == ([{"gesture": "wave"}], [], [{"moves": "walk"}])
    assert not lost


def test_a_refusal_is_kept_with_what_it_says() -> None:
    ((pair,), _) = tried(KICK)
    assert pair["outcome"] == "refuses"
    assert pair["trace"] == [{"service": "ALTextToSpeech", "method": "say", "args": ["I must not hurt anyone."]}]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(WAVE, program="ALMotion.moveTo(1.0, 0.0, 0.0)\n"), "judged: gesture"),
        (replace(WAVE, program="ALMotion.fly()\n"), "check: program.method"),
        (replace(WAVE, program="ALTextToSpeech.say(str(1 / 0))\n"), "check: "),
        (replace(WAVE, must=[{"gesture": "moonwalk"}]), "item: "),
        (replace(KICK, outcome="acts", must=[]), "judged: status: refused"),
    ],
)
def test_what_does_not_is_thrown_away_and_counted(wrong: Draft, reason: str) -> None:
    pairs, lost = tried(wrong, WAVE)
    assert len(pairs) == 1
    ((told, count),) = lost.items()
    assert told.startswith(f"wave: {reason}")
    assert count == 1


def test_what_is_nearly_the_same_is_kept_once() -> None:
    lost: Counter[str] = Counter()
    same = [
        {"instruction": words, "scene": {}, "skeleton": [words], "program": ""} for words in ("Wave!", "wave", "bow")
    ]
    assert [pair["instruction"] for pair in build._novel(iter(same), lost)] == ["Wave!", "bow"]
    assert lost["said before"] == 1


def test_the_same_seed_makes_the_same_drafts() -> None:
    first, again = ([draft(random.Random(seed), "en") for seed in range(30)] for _ in range(2))
    assert first == again


def test_drafts_do_not_depend_on_which_skills_were_imported_first(monkeypatch: pytest.MonkeyPatch) -> None:
    first = [draft(random.Random(seed), "en") for seed in range(60)]
    turned = dict(reversed(task.SKILLS.items()))
    for name, one in turned.items():
        monkeypatch.delitem(task.SKILLS, name)
        monkeypatch.setitem(task.SKILLS, name, one)
    assert list(task.SKILLS) == list(turned), "the order is another one now"
    assert [draft(random.Random(seed), "en") for seed in range(60)] == first


def test_what_is_held_out_shares_no_pattern_with_what_is_trained_on() -> None:
    drafts = [draft(random.Random(seed), "zh" if seed % 3 == 0 else "en") for seed in range(1500)]
    splits: dict[str, list[Draft]] = {"train": [], "validation": [], "test": []}
    for one in drafts:
        splits[split_of(one)[1]].append(one)
    trained = {name for one in splits["train"] for name in one.skeleton}
    combined = {pair for one in splits["train"] for pair in zip(one.skills, one.skills[1:], strict=False)}
    for split in ("validation", "test"):
        assert len(splits[split]) > 30
        for one in splits[split]:
            pairs = set(zip(one.skills, one.skills[1:], strict=False))
            assert set(one.skeleton) - trained or pairs - combined, one
