"""What is told of the dataset: its figures, the card that is made of them, and the sample in the repository."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from services.training.dataset.__main__ import main
from services.training.dataset.build import made
from services.training.dataset.card import card
from services.training.dataset.place import CARD, PAIRS, SAMPLE, SAMPLED, SEED, STATISTICS
from services.training.dataset.statistics import statistics

AGAIN = "the generator has changed: scripts/dataset --publish makes card, figures and sample again"


def pair(**fields: Any) -> dict[str, Any]:
    """A pair of the train split that waves."""
    call = {"service": "ALAnimationPlayer", "method": "run", "args": ["animations/Stand/Gestures/Hey_1"]}
    return {
        "split": "train",
        "split_reason": "",
        "language": "en",
        "instruction": "wave",
        "scene": {},
        "program": "wave()\n",
        "trace": [call],
        "outcome": "acts",
        "skills": ["wave"],
        "skeleton": ["wave.en.clause.0"],
        "tags": ["gesture"],
        "calls": 1,
    } | fields


def counted(tmp_path: Path, *pairs: dict[str, Any], lost: dict[str, int] | None = None) -> dict[str, Any]:
    path = tmp_path / "some.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in pairs), encoding="utf-8")
    return statistics(path, 1, lost or {})


def test_pairs_are_counted_by_what_they_are(tmp_path: Path) -> None:
    ball = {"objects": [{"name": "ball", "position": [1, 0, 0]}], "posture": "Sit"}
    refused = pair(language="zh", outcome="refuses", trace=[], calls=0, tags=["refusal"], scene=ball)
    held_out = pair(split="test", split_reason="phrasing wave.en.clause.1", skeleton=["wave.en.clause.1"])
    figures = counted(tmp_path, pair(), refused, held_out)
    assert figures["splits"]["train"] == {"pairs": 2, "en": 1, "zh": 1, "acts": 1, "words": 0, "refuses": 1}
    assert figures["splits"]["test"]["pairs"] == 1
    assert figures["held_out"]["phrasing"] == {"validation": 0, "test": 1}
    assert (figures["calls"]["0"], figures["calls"]["1"], figures["calls"]["11 or more"]) == (1, 2, 0)
    assert figures["services"] == {"ALAnimationPlayer": {"pairs": 2, "calls": 2}}
    assert figures["tags"] == {"gesture": 2, "refusal": 1}
    assert figures["characters"]["instruction, English"] == {"least": 4, "median": 4, "95 %": 4, "most": 4}
    assert (figures["scenes"]["nothing around"], figures["scenes"]["sits or crouches at first"]) == (2, 1)


def test_what_is_held_out_and_was_trained_on_all_the_same_is_seen(tmp_path: Path) -> None:
    assert counted(tmp_path, pair(), pair(split="test"))["skeletons_in_train"] == {"validation": 0, "test": 1}


def test_what_was_thrown_away_is_counted_by_kind(tmp_path: Path) -> None:
    lost = {
        "said before": 4,
        "wave: judged: times: gesture 4 times, not within 3 to 3": 2,
        "several: judged: times: looks 7 times": 1,
        "hint: check: program.obstacle: ALMotion.moveTo comes within 0.32 m of 'Jack'": 1,
        "bow: run: it fell": 1,
    }
    assert counted(tmp_path, pair(), lost=lost)["lost"] == {
        "said before": 4,
        "judged: times": 3,
        "check: program.obstacle": 1,
        "run": 1,
    }


def test_the_command_writes_pairs_figures_and_card(tmp_path: Path) -> None:
    assert main(["--pairs", "12", "--processes", "1", "--out", str(tmp_path)]) == 0
    lines = (tmp_path / "dataset.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines == SAMPLE.read_text(encoding="utf-8").splitlines()[:12], AGAIN
    figures = json.loads((tmp_path / "statistics.json").read_text(encoding="utf-8"))
    assert figures["pairs"] == 12
    assert (tmp_path / "card.md").read_text(encoding="utf-8").startswith("# The dataset\n\n12 instructions")


def test_a_card_outside_the_repository_has_no_path_of_the_machine(tmp_path: Path) -> None:
    figures = json.loads(STATISTICS.read_text(encoding="utf-8"))
    assert card(figures, tmp_path) == card(figures, CARD.parent)
    assert "](../../services/training/data/" in card(figures, CARD.parents[1] / "reports" / "dataset")


def test_only_the_dataset_that_ships_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--publish", "--pairs", "12"])
    assert "leave --pairs and --seed out" in capsys.readouterr().err


def test_the_sample_is_what_the_seed_makes() -> None:
    sample = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    assert len(sample) == SAMPLED
    assert list(made(SAMPLED, SEED, 2, Counter())) == sample, AGAIN


def test_the_card_is_made_of_the_figures_and_these_are_of_the_dataset_that_ships() -> None:
    figures = json.loads(STATISTICS.read_text(encoding="utf-8"))
    assert (figures["pairs"], figures["seed"]) == (PAIRS, SEED), AGAIN
    assert CARD.read_text(encoding="utf-8") == card(figures, CARD.parent), AGAIN


def test_the_dataset_that_ships_is_as_large_and_as_careful_as_it_has_to_be() -> None:
    figures = json.loads(STATISTICS.read_text(encoding="utf-8"))
    splits = figures["splits"]
    assert splits["train"]["pairs"] >= 12_000
    assert sum(split["words"] + split["refuses"] for split in splits.values()) >= 0.1 * figures["pairs"]
    assert figures["skeletons_in_train"] == {"validation": 0, "test": 0}
