"""What every step is given."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from services.training.gpu.bundle import Bundle
from services.training.gpu.sizes import Sizes
from services.training.tuning.job import Sources


@dataclass(frozen=True)
class Context:
    """Of a run in a folder."""

    bundle: Bundle
    sizes: Sizes
    out: Path
    device: str

    @property
    def model(self) -> Path:
        """The base model, or its first layers, as the sizes want it."""
        if self.sizes.layers is None:
            return self.bundle.model
        return self.bundle.folder / f"model-{self.sizes.layers}-layers"

    def sources(self, adapter: Path | None = None) -> Sources:
        """What training starts from."""
        return Sources(self.bundle.tokens, self.model, self.bundle.manifest["base"], adapter)

    def prompts(self, suite: str) -> list[dict[str, Any]]:
        """Those of a suite that the sizes want."""
        return self.bundle.prompts()[suite][: self.sizes.prompts]


def cut_model(context: Context) -> None:
    """Write the model's first layers, if the sizes want no more and they are not there."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = context.model
    if not (folder / "config.json").is_file():
        model: Any = AutoModelForCausalLM.from_pretrained(context.bundle.model, num_hidden_layers=context.sizes.layers)
        AutoTokenizer.from_pretrained(context.bundle.model).save_pretrained(folder)
        model.save_pretrained(folder)


def free() -> None:
    """Give back the memory of models that are no longer used, lest the next one finds none."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def machine(commit: str | None) -> dict[str, Any]:
    """What it is made on and with.

    Args:
        commit: of the repository when the bundle was made, for a copy of it that is no checkout.
    """
    from services.training.machine import commit as commit_here
    from services.training.machine import machine as plain

    told = plain() | {"commit": commit_here() or commit, "cuda": None, "gpu": None}
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        told["cuda"] = torch.version.cuda
        told["gpu"] = {
            "name": card.name,
            "memory_gib": round(card.total_memory / 2**30, 1),
            "multiprocessors": card.multi_processor_count,
            "capability": f"{card.major}.{card.minor}",
            "cudnn": torch.backends.cudnn.version(),
        }
    return told
