"""Which adapters a run has made so far, and how good they are: ``adapters.json`` in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from services.engines.llamacpp.adapter import WEIGHTS_FILE
from services.training.gpu.parts import sha256, write_json

_ADAPTERS = "adapters.json"


def candidates(out: Path) -> dict[str, dict[str, Any]]:
    """By name their folder in ``out``, rank, validation loss and SHA-256; the one of the lowest loss first."""
    path = out / _ADAPTERS
    told: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return dict(sorted(told.items(), key=lambda one: float(one[1]["loss"])))


def note(out: Path, name: str, folder: str, rank: int, loss: float) -> None:
    """Write down that there is another one, in a folder of ``out``."""
    digest = sha256(out / folder / WEIGHTS_FILE)
    told = candidates(out) | {name: {"folder": folder, "rank": rank, "loss": round(loss, 4), "sha256": digest}}
    write_json(out / _ADAPTERS, told)
