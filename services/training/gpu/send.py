"""What is to be brought back, in files that are small enough: all figures each time, adapters in parts, once each."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.engines.llamacpp.adapter import WEIGHTS_FILE
from services.training.gpu.adapters import candidates
from services.training.gpu.parts import split, write_json

PART_BYTES = 15 * 2**20
FIGURES = "figures.tar.xz"
PARTS = "parts.json"
_OUTBOX, _SENT = "outbox", "sent.json"
_FIGURES = (".json", ".jsonl", ".md", ".svg")
_NOT_SENT = ("served", _OUTBOX)
#: Files in one folder at most.
_FILES = 8


def send(out: Path, to: Path, most_bytes: int) -> Iterator[str]:
    """Fill the folder ``to``, and yield what is in it and what is left for the next time, in lines for people.

    Args:
        out: folder of the run.
        to: where it is brought back from; what is in it of an earlier call is removed.
        most_bytes: of all files in it.
    """
    to.mkdir(parents=True, exist_ok=True)
    for old in [*to.glob("*.[0-9][0-9][0-9]"), *to.glob("*.json")]:
        old.unlink()
    wholes = _parts_of_adapters(out)
    figures = _figures(out, wholes)
    write_json(to / PARTS, split(figures, to, PART_BYTES))
    room = most_bytes - sum(path.stat().st_size for path in to.iterdir())
    sent = set(json.loads((out / _SENT).read_text(encoding="utf-8"))) if (out / _SENT).exists() else set()
    left = 0
    for part in (part for whole in wholes for part in whole["parts"]):
        if part["name"] in sent:
            continue
        if left or part["bytes"] > room or len(list(to.iterdir())) >= _FILES:
            left += 1
            continue
        shutil.copyfile(out / _OUTBOX / part["name"], to / part["name"])
        room -= part["bytes"]
        sent.add(part["name"])
    write_json(out / _SENT, sorted(sent))
    for path in sorted(to.iterdir()):
        yield f"  {path.name} {path.stat().st_size / 2**20:.1f} MiB"
    yield f"These are to be brought back; {left} parts of adapters are left for the next call."


def _parts_of_adapters(out: Path) -> list[dict[str, Any]]:
    """What ``join`` has to know of each adapter's file, in the order in which they are sent."""
    wholes = []
    for name, told in candidates(out).items():
        index = out / _OUTBOX / f"{name}.{told['sha256'][:8]}.json"
        if not index.exists():
            index.parent.mkdir(exist_ok=True)
            file = out / _OUTBOX / f"{name}.{told['sha256'][:8]}.safetensors"
            shutil.copyfile(out / told["folder"] / WEIGHTS_FILE, file)
            write_json(index, split(file, out / _OUTBOX, PART_BYTES))
            file.unlink()
        wholes.append(json.loads(index.read_text(encoding="utf-8")) | {"adapter": name, "folder": told["folder"]})
    return wholes


def _figures(out: Path, wholes: list[dict[str, Any]]) -> Path:
    """An archive of all small files, the parts' list among them."""
    (out / _OUTBOX).mkdir(exist_ok=True)
    write_json(out / PARTS, wholes)
    archive = out / _OUTBOX / FIGURES
    with tarfile.open(archive, "w:xz") as tar:
        for path in sorted(out.rglob("*")):
            inside = path.relative_to(out)
            if path.is_file() and path.suffix in _FIGURES and inside.parts[0] not in _NOT_SENT:
                tar.add(path, inside.as_posix())
    return archive
