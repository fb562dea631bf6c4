from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm_backend.answer import outputs
from llm_backend.config import ModelConfig, TritonConfig
from llm_backend.guides import Guide
from llm_backend.request import MAX_GUIDE, Refused, Request, read
from llm_backend.runtime import Piece, adapter

CONFIG = Path(__file__).resolve().parents[3] / "triton_models" / "tensorrt_llm" / "config.pbtxt"
PROMPT = {"text_input": [b"Hello"]}


def declared(section: str) -> dict[str, str]:
    """Names and types of the input or output tensors that config.pbtxt declares."""
    text = re.search(rf"^{section} \[$(.*?)^\]$", CONFIG.read_text(), re.MULTILINE | re.DOTALL)
    assert text
    return dict(re.findall(r'name: "(\w+)" data_type: TYPE_(\w+)', text[1]))


def test_every_declared_input_is_read_and_none_else() -> None:
    refused = {"image_url", "sampling_param_logits_post_processor_name"}
    assert set(declared("input")) == {*Request.model_fields, "stop", *refused}


def test_every_output_is_declared() -> None:
    flags = [name for name in Request.model_fields if name.startswith("return_")]
    request = read({**PROMPT, **{name: [True] for name in flags}})
    given = dict(outputs(request, Piece("", 1, 2)))
    assert set(given) <= set(declared("output"))
    assert {name for name, value in given.items() if value.dtype == np.int32} == {
        "num_input_tokens",
        "num_output_tokens",
    }


def test_defaults_are_nvidias() -> None:
    request = read(PROMPT)
    assert request.prompt == "Hello"
    assert request.sampling_param_max_tokens == 32
    assert not request.sampling_param_exclude_input_from_output
    assert not request.streaming


@pytest.mark.parametrize(
    ("sampling", "greedy"),
    [
        ({}, True),
        ({"temperature": 0.0}, True),
        ({"temperature": 2.0, "top_k": 1}, True),
        ({"top_p": 0.0, "temperature": 2.0}, True),
        ({"temperature": 0.7}, False),
        ({"top_p": 0.9}, False),
        ({"top_k": 0}, False),
    ],
)
def test_when_it_is_greedy(sampling: dict[str, Any], greedy: bool) -> None:
    request = read({**PROMPT, **{f"sampling_param_{name}": [value] for name, value in sampling.items()}})
    assert request.greedy is greedy


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"text_input": [b"\xff"]}, "text_input is not UTF-8"),
        ({"sampling_param_stop": [b"a", b""]}, "sampling_param_stop: String should have at least 1 character"),
        ({"sampling_param_temperature": [float("nan")]}, "sampling_param_temperature: Input should be a finite number"),
        ({"lora_ckpt_source": [b"nemo"]}, "lora_ckpt_source: Input should be 'hf'"),
        ({"guided_decoding_guide_type": [b"regex"]}, "must be sent together"),
        (
            {"guided_decoding_guide_type": [b"regex"], "guided_decoding_guide": [b"a" * (MAX_GUIDE + 1)]},
            "guided_decoding_guide: String should have at most",
        ),
    ],
)
def test_what_is_refused(tensors: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        read({**PROMPT, **tensors})
    assert caught.value.code == "INVALID_ARG"


def test_text_is_put_after_the_prompt_unless_unwanted() -> None:
    piece = Piece(" there", 1, 1, "stop", cumulative_logprob=-1.5)
    whole = dict(outputs(read({**PROMPT, "return_cumulative_logprob": [True]}), piece))
    assert whole["text_output"].tolist() == [b"Hello there"]
    assert whole["cumulative_logprob"].tolist() == [b"-1.5"]
    alone = dict(outputs(read({**PROMPT, "sampling_param_exclude_input_from_output": [True]}), piece))
    assert alone["text_output"].tolist() == [b" there"]


def test_adapters_are_the_servers() -> None:
    config = ModelConfig(engine={}, triton=TritonConfig(lora_adapters={"nao": Path("/adapters/nao")}))

    def chosen(**tensors: bytes) -> str | None:
        return adapter(read({**PROMPT, **{name: [value] for name, value in tensors.items()}}), config)

    assert chosen() is None
    assert chosen(lora_name=b"nao") == "nao"
    assert chosen(lora_name=b"nao", lora_path=b"/adapters/nao") == "nao"
    with pytest.raises(Refused, match="this server has: nao"):
        chosen(lora_name=b"pepper")
    with pytest.raises(Refused, match="at another path"):
        chosen(lora_name=b"nao", lora_path=b"/etc")


def test_an_answer_that_leaves_its_guide_is_refused() -> None:
    guide = Guide("json_schema", '{"type": "object", "properties": {"é": {"type": "integer"}}}')
    for part in ('{"', "é", '": 1'):
        guide.follow(part)
    with pytest.raises(Refused, match=r"llama\.cpp could not keep to it"):
        guide.follow("nonsense")


def test_a_regex_may_hold_the_grammars_own_signs() -> None:
    guide = Guide("regex", r'/\d+"\n')
    guide.follow('/12"\n')
    with pytest.raises(Refused):
        guide.follow("/")


def test_gbnf_is_left_to_llama_cpp() -> None:
    guide = Guide("ebnf_grammar", 'root ::= "wave"')
    assert guide.grammar == 'root ::= "wave"'
    guide.follow("anything")
