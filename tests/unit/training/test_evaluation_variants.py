"""What the variants' settings mean to the services that read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.backends.config import load_backends
from services.engines.llamacpp.settings import EngineSettings
from services.settings import read_settings
from services.training.evaluation.variants import VARIANTS, Variant

ADAPTER = Path("/adapter.gguf")


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_services_do_as_a_variant_says(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = variant.settings(ADAPTER)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    engine = read_settings(EngineSettings)
    assert engine.lora_path == (ADAPTER if variant.tuned else None)
    assert engine.merges == variant.tuned
    backend = load_backends(settings).configured["llamacpp"]
    assert ("nao" in backend.tuned) == variant.tuned
    assert backend.adapter("nao") is None, "it is in the weights"
    assert backend.grammar == ("gbnf" if variant.grammar else "none")


def test_a_tuned_variant_needs_an_adapter() -> None:
    with pytest.raises(ValueError, match="tuned needs an adapter"):
        VARIANTS["tuned"].settings(None)
