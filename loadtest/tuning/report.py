"""What the search found, for people and for programs, and the settings that won as an env file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.tuning.effects import Value
from loadtest.tuning.picture import bars
from loadtest.tuning.space import Choice
from loadtest.tuning.study import Step
from services.training.evaluation.tables import Table

ENV_FILE = "winner.env"


@dataclass(frozen=True)
class Findings:
    """All of a search, or what there is of it."""

    engine: str
    steps: Sequence[Step]
    winner: Choice
    #: How it was measured, and on what: label and value.
    made_with: Mapping[str, str]
    #: Why it is not all; empty if it is.
    partial: str = ""


def write_report(folder: Path, found: Findings) -> str:
    """Write ``tune.json``, ``tune.md``, ``effects.svg`` and ``winner.env``; returns the Markdown. Raises OSError."""
    text = markdown(found)
    (folder / "tune.json").write_text(json.dumps(document(found), ensure_ascii=False, indent=1) + "\n", "utf-8")
    (folder / "tune.md").write_text(text, encoding="utf-8")
    (folder / "effects.svg").write_text(bars(found.steps), encoding="utf-8")
    (folder / ENV_FILE).write_text(env_file(found), encoding="utf-8")
    return text


def document(found: Findings) -> dict[str, Any]:
    """For programs; rates a second, times in seconds."""
    return {
        "engine": found.engine,
        "complete": not found.partial,
        "partial": found.partial,
        "steps": [step.document() for step in found.steps],
        "winner": {"settings": dict(found.winner.settings), "model_yaml": dict(found.winner.model_yaml)},
        "made_with": dict(found.made_with),
    }


def env_file(found: Findings) -> str:
    """The settings that won, to go with the deployment's own env file."""
    head = [f"# What scripts/tune found for {found.engine}, over the deployment's own settings. Give both files:",
            "# docker compose --env-file env/DEPLOYMENT.env --env-file THIS up --wait"]  # fmt: skip
    lines = [f"{name}={value}" for name, value in found.winner.settings.items()]
    lines += [f"# in the file that TRITON_CONFIG names: {name}: {json.dumps(value)}"
              for name, value in found.winner.model_yaml.items()]  # fmt: skip
    return "\n".join([*head, *(lines or ["# Nothing: what there is stays as it is."])]) + "\n"


def markdown(found: Findings) -> str:
    """For people."""
    lines = [f"# Settings of {found.engine}", ""]
    lines += [f"**Partial: {found.partial}**", ""] if found.partial else []
    lines += [table(found.steps).markdown(), ""]
    if right := _right(found.steps):
        lines += [right.markdown(), ""]
    told = [(step.name, said) for step in found.steps for said in (*step.troubles, step.remark) if said]
    lines += [f"- {name}: {said}" for name, said in told]
    kept = [f"{name}={value}" for name, value in found.winner.settings.items()]
    kept += [f"{name}: {value}" for name, value in found.winner.model_yaml.items()]
    lines += ["", f"Settings that won: {', '.join(kept) or 'none; what there is stays as it is'}.", ""]
    lines += [f"- {label}: {value}" for label, value in found.made_with.items()]
    return "\n".join(lines) + "\n"


def table(steps: Sequence[Step]) -> Table:
    """Every choice beside what it is compared with: of that the figures, of the others how many times as much."""
    levels = sorted({effect.level for step in steps for effect in step.effects})
    rows = [
        _row(step, choice, levels) for step in steps for choice in dict.fromkeys(one.choice for one in step.effects)
    ]
    head = [f"answered/s, {level:g} at once" for level in levels]
    head += [f"first action, s, {level:g} at once" for level in levels]
    return Table(
        "Behaviours a second that were answered, and wait for the first action (p50); ratios with 95 % intervals",
        ["what", "set to", *head, "kept"],
        rows,
    )


def _row(step: Step, choice: str, levels: Sequence[float]) -> list[str]:
    found = {effect.level: effect for effect in step.effects if effect.choice == choice}
    now = choice == step.now
    answered = [(one.answered, one.answered_ratio) if (one := found.get(level)) else None for level in levels]
    waited = [(one.ttfa_s, one.ttfa_ratio) if (one := found.get(level)) else None for level in levels]
    cells = ["–" if pair is None else _told(pair[0]) if now else pair[1].times() for pair in (*answered, *waited)]
    return [step.name, choice, *cells, "yes" if choice == step.kept else ""]


def _right(steps: Sequence[Step]) -> Table | None:
    rows = [
        [step.name, choice, "–" if share.value is None else f"{share.value:.1%}", _interval(share)]
        for step in steps
        for choice, share in step.right.items()
    ]
    head = ["what", "set to", "right", "interval"]
    return Table("Right answers, hand-written instructions", head, rows) if rows else None


def _interval(share: Value) -> str:
    return "–" if share.low is None or share.high is None else f"{share.low:.1%} to {share.high:.1%}"


def _told(value: Value) -> str:
    return "–" if value.value is None else f"{value.value:.2f}"
