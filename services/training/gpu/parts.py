"""Files in parts that are small enough to travel, and whole again where they arrive."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

_BLOCK = 2**20


class PartProblem(Exception):
    """Why parts do not make a whole, in one sentence that says what to do."""


def write_json(path: Path, document: Any) -> None:
    """Write a document, in one piece or not at all."""
    part = path.with_name(f"{path.name}.new")
    part.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def split(path: Path, folder: Path, part_bytes: int) -> dict[str, Any]:
    """Write a file to ``folder`` in parts, ``name.000`` and so on, and return what ``join`` has to know of them."""
    if part_bytes < 1:
        raise ValueError("a part has at least one byte")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{path.name}.[0-9][0-9][0-9]"):
        old.unlink()
    parts: list[dict[str, Any]] = []
    with path.open("rb") as file:
        while (size := os.fstat(file.fileno()).st_size - file.tell()) > 0 or not parts:
            part = folder / f"{path.name}.{len(parts):03d}"
            with part.open("wb") as out:
                _copy(file, out, min(size, part_bytes))
            parts.append({"name": part.name, "bytes": part.stat().st_size, "sha256": sha256(part)})
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path), "parts": parts}


def join(told: Mapping[str, Any], folders: Iterable[Path], out: Path) -> None:
    """Make the file ``out``, which appears when it is whole and right, of its parts, wherever in the folders they are.

    Raises PartProblem if a part is missing or not as it was; OSError.
    """
    places = list(folders)
    out.parent.mkdir(parents=True, exist_ok=True)
    whole = out.with_name(f"{out.name}.new")
    with whole.open("wb") as file:
        for part in told["parts"]:
            found = next((folder / part["name"] for folder in places if (folder / part["name"]).is_file()), None)
            if found is None:
                whole.unlink()
                raise PartProblem(f"{part['name']} is missing: bring it to {places[0]}.")
            if sha256(found) != part["sha256"]:
                whole.unlink()
                raise PartProblem(f"{found} is not as it was made: bring it again.")
            with found.open("rb") as content:
                _copy(content, file, part["bytes"])
    if sha256(whole) != told["sha256"]:
        whole.unlink()
        raise PartProblem(f"{told['name']} is not as it was, though its parts are: make and bring them again.")
    whole.replace(out)


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size > 0 and (block := source.read(min(_BLOCK, size))):
        target.write(block)
        size -= len(block)
