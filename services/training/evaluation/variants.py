"""What is compared: the model with the adapter and as it is, each with and without a grammar.

Needs only the standard library, since ``--help`` shows it before anything is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Length = Literal["short", "medium", "long"]

_FREE = {"LLAMACPP_GRAMMAR": "none"}


@dataclass(frozen=True)
class Variant:
    """A way to run the engine."""

    name: str
    says: str
    tuned: bool
    grammar: bool

    def settings(self, adapter: Path | None) -> dict[str, str]:
        """Environment of its stack. ``adapter`` is needed where ``tuned`` is true."""
        if not self.tuned:
            settings = {"LLAMACPP_LORA_PATH": "", "LLAMACPP_TUNED": ""}
        elif adapter is not None:
            settings = {"LLAMACPP_LORA_PATH": str(adapter), "LLAMACPP_TUNED": "nao"}
        else:
            raise ValueError(f"{self.name} needs an adapter")
        return settings if self.grammar else settings | _FREE


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("tuned", "the adapter in the weights, the short prompt, the grammar of what it has learnt", True, True),
        Variant("tuned-free", "the same without the grammar", True, False),
        Variant("untuned", "the model as it is, with the API and examples in its prompt, and the grammar", False, True),
        Variant("untuned-free", "the same without the grammar", False, False),
    )
}
