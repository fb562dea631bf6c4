"""What a run is asked to do: its schedule, its command line, and its log."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from services.training.dataset import __main__ as dataset
from services.training.tuning import __main__ as finetune
from services.training.tuning import log
from services.training.tuning.__main__ import _parse
from services.training.tuning.plan import Plan

ROOT = Path(__file__).resolve().parents[3]


def test_the_rate_rises_and_falls_with_the_share_that_is_done() -> None:
    plan = Plan(learning_rate=1.0, warm_up=0.1)
    rates = [plan.rate(step / 100) for step in range(101)]
    assert rates[0] == 0
    assert rates[5] == pytest.approx(0.5)
    assert rates[10] == max(rates) == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.05)


def test_without_minutes_the_clock_does_not_count() -> None:
    assert Plan().share(10, 40, used_s=1e9) == 0.25


def test_with_minutes_whichever_is_farther_counts() -> None:
    plan = Plan(minutes=10)
    assert plan.share(10, 40, used_s=60) == 0.25
    assert plan.share(10, 40, used_s=300) == 0.5
    assert plan.share(10, 40, used_s=700) == 1.0


def test_the_command_without_options_is_the_plan_as_it_ships() -> None:
    arguments = _parse([])
    assert arguments.plan == Plan()
    assert arguments.out == ROOT / "reports" / "finetune"


def test_a_smoke_run_is_tiny_and_elsewhere() -> None:
    arguments = _parse(["--smoke", "--method", "lora"])
    assert (arguments.plan.pairs, arguments.plan.longest, arguments.plan.method) == (4, 192, "lora")
    assert arguments.out == ROOT / "reports" / "finetune-smoke"


def test_of_a_step_that_was_done_again_the_last_time_counts(tmp_path: Path) -> None:
    log.append(tmp_path, step=0, validation_loss=3.0)
    for step, loss in ((1, 2.0), (2, 1.5), (2, 1.25), (3, 1.0)):
        log.append(tmp_path, step=step, loss=loss)
    steps, validations = log.read(tmp_path)
    assert [(entry["step"], entry["loss"]) for entry in steps] == [(1, 2.0), (2, 1.25), (3, 1.0)]
    assert validations == [{"step": 0, "validation_loss": 3.0}]


def commands(text: str, name: str) -> list[list[str]]:
    """The arguments of each line that shows a command; what it does may stand behind it, after some spaces or a #."""
    lines = [re.split(r" {2,}|#", line.strip())[0] for line in text.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"scripts/{name}")]


def test_commands_that_are_shown_are_understood() -> None:
    pages = [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("finetuning.md", "dataset.md")]
    text = "\n".join([*pages, finetune._EXAMPLES, dataset._EXAMPLES])
    tuning, making = commands(text, "finetune"), commands(text, "dataset")
    assert len(tuning) >= 8
    assert len(making) >= 4
    for arguments in tuning:
        finetune._parse(arguments)
    for arguments in making:
        dataset._parse(arguments)
