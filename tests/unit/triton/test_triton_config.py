from __future__ import annotations

from pathlib import Path

import pytest

from llm_backend.config import ConfigProblem, load

FOLDER = Path(__file__).resolve().parents[3] / "triton_models" / "tensorrt_llm" / "1"


def test_the_shipped_file_leaves_to_the_engine_what_is_not_tritons() -> None:
    config = load(FOLDER, {})
    assert config.triton.max_queued == 256
    assert "triton_config" not in config.engine
    assert config.engine["guided_decoding_backend"] == "xgrammar"


def test_environment_variables_choose_the_file_and_the_model(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("model: a\nmax_batch_size: 8\n")
    assert load(tmp_path, {"LLM_CONFIG_PATH": "other.yaml"}).engine == {"model": "a", "max_batch_size": 8}
    chosen = load(FOLDER, {"LLM_CONFIG_PATH": str(tmp_path / "other.yaml"), "LLM_MODEL": "b"})
    assert chosen.engine["model"] == "b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is no YAML"),
        ("- a", "must map names to values"),
        ("triton_config: {decoupled: false}", r"triton_config.decoupled: Input should be True \(it is False\)"),
        ("triton_config: {max_batch_size: 8}", "triton_config.max_batch_size: Input should be 0"),
        ("triton_config: {max_queue: 1}", "triton_config.max_queue: Extra inputs are not permitted"),
        ("triton_config: {max_queued: -1}", "triton_config.max_queued: Input should be greater than or equal to 0"),
    ],
)
def test_what_is_wrong_with_the_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "model.yaml").write_text(text)
    with pytest.raises(ConfigProblem, match=message):
        load(tmp_path, {})
