"""The bundle on the GPU machine: joined, checked, unpacked, its packages and its model made ready."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.training.gpu.parts import PartProblem, join
from services.training.gpu.place import MANIFEST, MODEL, PROMPTS_FILE, SITE, TOKENS_FILE, WHEELS
from services.training.gpu.wheels import install

_UNPACKED = "unpacked"
_STAMP = "sha256"


@dataclass(frozen=True)
class Bundle:
    """What is there once it is unpacked."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def tokens(self) -> Path:
        """The pairs, as ``read_tokens`` reads them."""
        return self.folder / TOKENS_FILE

    @property
    def model(self) -> Path:
        """The base model, as Transformers reads it."""
        return self.folder / MODEL

    def prompts(self) -> dict[str, list[dict[str, Any]]]:
        """By suite, each with its id and its tokens."""
        told: dict[str, list[dict[str, Any]]] = json.loads((self.folder / PROMPTS_FILE).read_text(encoding="utf-8"))
        return told


def unpack(bundle: Path) -> Bundle:
    """Make a bundle ready, unless it was before, and put its packages first on Python's path.

    Raises PartProblem, WheelProblem, OSError.
    """
    if not (bundle / MANIFEST).is_file():
        raise PartProblem(f"There is no bundle in {bundle}: scripts/gpu/pack makes one on a machine with network.")
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    folder, stamp = bundle / _UNPACKED, bundle / _UNPACKED / _STAMP
    digest = manifest["bundle"]["sha256"]
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        archive = bundle / manifest["bundle"]["name"]
        join(manifest["bundle"], [bundle], archive)
        if folder.exists():
            shutil.rmtree(folder)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        archive.unlink()
        if (folder / WHEELS).is_dir():
            install(folder / WHEELS, folder / SITE)
        _on_path(folder / SITE)
        from services.engines.transformers.convert import convert

        print("Unpacking the model …", file=sys.stderr, flush=True)
        convert(folder / "model.gguf", folder / MODEL)
        stamp.write_text(digest, encoding="utf-8")
    _on_path(folder / SITE)
    return Bundle(folder, manifest)


def _on_path(site: Path) -> None:
    if site.is_dir() and str(site) not in sys.path:
        sys.path.insert(0, str(site))
