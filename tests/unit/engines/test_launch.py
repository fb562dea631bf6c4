"""From our settings to the engines' own command lines."""

from __future__ import annotations

import pytest

from services.engines.transformers.settings import EngineSettings as Transformers
from services.engines.vllm.settings import EngineSettings as Vllm
from services.settings import SettingError, read_settings


def value_of(arguments: list[str], option: str) -> str:
    return arguments[arguments.index(option) + 1]


def test_transformers_batches_continuously_by_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSFORMERS_MODEL", "/models/small")
    monkeypatch.setenv("TRANSFORMERS_NUM_BLOCKS", "64")
    on = read_settings(Transformers).arguments()
    assert on[0] == "/models/small"
    assert "--continuous-batching" in on
    assert value_of(on, "--cb-num-blocks") == "64"
    monkeypatch.setenv("TRANSFORMERS_CONTINUOUS_BATCHING", "false")
    assert not [option for option in read_settings(Transformers).arguments() if option.startswith(("--cb", "--cont"))]


def test_vllm_counts_running_requests_as_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_SERVER_MODEL", "small")
    monkeypatch.setenv("VLLM_SERVER_MAX_NUM_SEQS", "4")
    monkeypatch.setenv("VLLM_SERVER_MAX_WAITING", "6")
    assert value_of(read_settings(Vllm).arguments(), "--max-num-queued-reqs") == "10"


def test_vllm_is_called_as_its_model_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_SERVER_MODEL", "/models/small")
    assert value_of(read_settings(Vllm).arguments(), "--served-model-name") == "/models/small"
    monkeypatch.setenv("VLLM_SERVER_SERVED_NAME", "small")
    assert value_of(read_settings(Vllm).arguments(), "--served-model-name") == "small"


def test_what_is_missing_or_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLLM_SERVER_MODEL", raising=False)
    with pytest.raises(SettingError, match=r"^VLLM_SERVER_MODEL is not set$"):
        read_settings(Vllm)
    monkeypatch.setenv("VLLM_SERVER_MODEL", "small")
    monkeypatch.setenv("VLLM_SERVER_DTYPE", "int3")
    with pytest.raises(SettingError, match=r"^VLLM_SERVER_DTYPE=int3 is not valid: "):
        read_settings(Vllm)
