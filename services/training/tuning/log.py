"""The log of a run: a line for each step and each validation, in the order of time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LOG = "log.jsonl"


def append(folder: Path, **entry: Any) -> None:
    """Add a line."""
    with (folder / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


def read(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Steps and validations; of a step that was done again after an interruption, the last time."""
    steps: dict[int, dict[str, Any]] = {}
    validations: dict[int, dict[str, Any]] = {}
    for line in (folder / LOG).read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        (validations if "validation_loss" in entry else steps)[entry["step"]] = entry
    return list(steps.values()), list(validations.values())
