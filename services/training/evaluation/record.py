"""What a run is of, and what it is made on and with."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.engines.llamacpp.settings import packaged_model
from services.training.evaluation.engine import ROBOT_SPEED
from services.training.machine import commit, machine

#: Load for each core, above which a machine is not quiet.
_BUSY = 0.25


class OtherRun(Exception):
    """The folder holds the answers of another run; the message says what is different."""


@dataclass(frozen=True)
class Subject:
    """What is evaluated: answers of runs that differ in any of it do not belong together."""

    suite: str
    suite_sha256: str
    limit: int | None
    seed: int
    item_limit_s: float
    model: str
    model_sha256: str
    adapter: str | None
    adapter_sha256: str | None
    settings: Mapping[str, str]
    """Of the stack, over those of the variants."""


def subject(
    suite: Path,
    limit: int | None,
    seed: int,
    item_limit_s: float,
    adapter: Path | None,
    settings: Mapping[str, str] | None = None,
) -> Subject:
    """What a run with these options evaluates. Raises OSError if a file cannot be read."""
    model = packaged_model()
    return Subject(
        suite=suite.name,
        suite_sha256=_sha256(suite),
        limit=limit,
        seed=seed,
        item_limit_s=item_limit_s,
        model=model.name,
        model_sha256=_sha256(model),
        adapter=adapter.name if adapter is not None else None,
        adapter_sha256=_sha256(adapter) if adapter is not None else None,
        settings=settings or {},
    )


def begin(folder: Path, what: Subject) -> dict[str, Any]:
    """Begin or go on with the run in the folder, and return its record, which is in ``run.json``.

    Raises:
        OtherRun: the folder has another run's answers.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "run.json"
    record: dict[str, Any] = {"commits": []}
    if path.exists():
        record = json.loads(path.read_text(encoding="utf-8"))
        different = [key for key, value in asdict(what).items() if record["subject"].get(key) != value]
        if different:
            raise OtherRun(f"{folder} holds a run with another {', '.join(different)}: give another --out")
    now = commit()
    commits = [*record["commits"], *([now] if now not in record["commits"] else [])]
    record = {
        "subject": asdict(what),
        "commits": commits,
        "robot_speed": ROBOT_SPEED,
        "load": round(os.getloadavg()[0], 1),
        "machine": machine(),
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def lines(record: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The record for people: what, and what it is."""
    what, made_on = record["subject"], record["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in made_on["libraries"].items())
    adapter = f"{what['adapter']}, SHA-256 {what['adapter_sha256']}" if what["adapter"] else "none"
    limit = "all items" if what["limit"] is None else f"{what['limit']} items, drawn with seed {what['seed']}"
    return [
        ("Suite", f"{what['suite']}, {limit}; SHA-256 {what['suite_sha256']}"),
        ("Model", f"{what['model']}, SHA-256 {what['model_sha256']}"),
        ("Adapter", adapter),
        ("Settings", ", ".join(f"{name}={value}" for name, value in what["settings"].items()) or "the variants' own"),
        ("Limit", f"{what['item_limit_s']:g} s for an item; the robot's time {record['robot_speed']:g} times as fast"),
        ("Commit", ", ".join(str(one or "unknown") for one in record["commits"])),
        ("Processor", f"{made_on['processor']}, {made_on['cores']} cores"),
        ("Load", _load(record["load"], made_on["cores"])),
        ("Memory", f"{made_on['memory_gib']} GiB"),
        ("GPUs", ", ".join(made_on["gpus"]) or "none"),
        ("System", f"{made_on['system']}, Python {made_on['python']}"),
        ("Libraries", libraries),
    ]


def _load(load: float, cores: int) -> str:
    """How busy the machine was with other things before the last start."""
    busy = "; times and time-outs tell little, since other programs ran" if load > _BUSY * cores else ""
    return f"{load:g} before the start{busy}"


def _sha256(path: Path) -> str:
    """Of a file, or of all files of a folder with their names."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.name.encode() if path.is_dir() else b"")
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest() if path.is_dir() else content.read())
    return digest.hexdigest()
