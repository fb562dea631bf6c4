"""How requests are put to TensorRT-LLM, on a stand-in for it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import tensorrt_llm_stand_in as stand_in

from llm_backend.config import ConfigProblem, ModelConfig, TritonConfig
from llm_backend.request import Refused, read
from llm_backend.runtime import Piece, start

ENGINE = {"model": "small", "max_batch_size": 8, "guided_decoding_backend": "xgrammar"}
ADAPTERS = TritonConfig(lora_adapters={"pepper": Path("/adapters/pepper"), "nao": Path("/adapters/nao")})


@pytest.fixture(autouse=True)
def _tensorrt_llm(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.install(monkeypatch)


def runtime(**engine: Any) -> Any:
    return start(ModelConfig(engine={**ENGINE, **engine}, triton=ADAPTERS), {})


def generate(engine: Any, prompt: str = "Hello", **tensors: Any) -> list[Piece]:
    request = read({"text_input": [prompt.encode()], **{name: [value] for name, value in tensors.items()}})

    async def run() -> list[Piece]:
        return [piece async for piece in engine.generate(request)]

    return asyncio.run(run())


def called(**tensors: Any) -> dict[str, Any]:
    """What the LLM API was called with for these tensors."""
    engine = runtime()
    generate(engine, **tensors)
    call: dict[str, Any] = engine._llm.calls[0]
    return call


def test_it_is_the_default_and_gets_its_own_arguments_alone() -> None:
    engine = runtime()
    assert engine._llm.arguments == ENGINE
    assert engine.capacity == 8


def test_a_model_that_cannot_be_loaded_is_told() -> None:
    with pytest.raises(ConfigProblem, match="TensorRT-LLM cannot serve missing: missing is no model"):
        runtime(model="missing")


def test_the_text_so_far_is_handed_on_with_counts_and_figures() -> None:
    pieces = generate(runtime(), streaming=True)
    assert [(piece.text, piece.output_tokens, piece.finish_reason) for piece in pieces] == [
        ("one", 1, None),
        ("one two", 2, None),
        ("one two three", 3, "stop"),
    ]
    assert {piece.input_tokens for piece in pieces} == {3}
    assert pieces[-1].perf_metrics["kv_cache_hit_rate"] == 0.8
    assert pieces[-1].perf_metrics["last_token_time_ns"] == 4000


def test_only_what_was_sent_is_passed_on() -> None:
    call = called()
    # best_of and max_tokens are NVIDIA's defaults; the prompt is put before the answer by us.
    assert call["sampling_params"] == stand_in.SamplingParams(best_of=1, max_tokens=32, exclude_input_from_output=True)
    assert (call["inputs"], call["lora_request"], call["streaming"]) == ("Hello", None, False)


def test_sampling_parameters_keep_their_names() -> None:
    sent: dict[str, Any] = {"max_tokens": 5, "temperature": 0.5, "top_k": 3, "top_p": 0.9}
    sent |= {"frequency_penalty": 0.1, "presence_penalty": 0.2, "seed": 2**40}
    call = called(
        **{f"sampling_param_{name}": value for name, value in sent.items()},
        sampling_param_stop=b"\n",
        sampling_param_return_perf_metrics=True,
        return_cumulative_logprob=True,
    )
    assert call["sampling_params"] == stand_in.SamplingParams(
        **sent, best_of=1, stop=["\n"], logprobs=1, return_perf_metrics=True
    )


@pytest.mark.parametrize(
    ("kind", "guide", "params"),
    [
        (b"json_schema", b"{}", {"json": "{}"}),
        (b"regex", b"a+", {"regex": "a+"}),
        (b"ebnf_grammar", b'root ::= "a"', {"grammar": 'root ::= "a"'}),
    ],
)
def test_guides(kind: bytes, guide: bytes, params: dict[str, str]) -> None:
    call = called(guided_decoding_guide_type=kind, guided_decoding_guide=guide)
    assert call["sampling_params"].guided_decoding == stand_in.GuidedDecodingParams(**params)


def test_guides_need_a_backend_for_them() -> None:
    with pytest.raises(Refused, match="set guided_decoding_backend") as caught:
        generate(runtime(guided_decoding_backend=None), guided_decoding_guide_type=b"regex", guided_decoding_guide=b"a")
    assert caught.value.code == "UNSUPPORTED"


def test_an_adapter_is_found_by_its_name() -> None:
    assert called(lora_name=b"nao")["lora_request"] == stand_in.LoRARequest("nao", 2, "/adapters/nao")


def test_what_the_llm_api_does_not_take_is_the_clients_fault() -> None:
    with pytest.raises(Refused, match="longer than max_seq_len") as caught:
        generate(runtime(), "too long")
    assert caught.value.code == "INVALID_ARG"


def test_closing_the_answer_aborts_it_and_an_ended_one_is_left_alone() -> None:
    engine = runtime()

    async def run() -> None:
        async with aclosing(engine.generate(read({"text_input": [b"Hello"], "streaming": [True]}))) as pieces:
            await anext(pieces)
        assert engine._llm.returned[0].aborted
        assert [piece async for piece in engine.generate(read({"text_input": [b"Hello"]}))]
        assert not engine._llm.returned[1].aborted
        await engine.close()
        assert engine._llm.is_shut_down

    asyncio.run(run())
