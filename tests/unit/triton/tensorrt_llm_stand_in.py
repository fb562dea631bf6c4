"""Stand-in for the tensorrt_llm package, which needs a GPU: the names that the runtime uses, and a scripted answer.

Its SamplingParams and GuidedDecodingParams take the fields that the LLM API documents, and no others.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

MICROSECOND = timedelta(microseconds=1)


@dataclass
class GuidedDecodingParams:
    json: str | None = None
    regex: str | None = None
    grammar: str | None = None


@dataclass
class SamplingParams:
    best_of: int | None = None
    max_tokens: int = 32
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: list[str] | None = None
    logprobs: int | None = None
    return_perf_metrics: bool = False
    exclude_input_from_output: bool = True
    guided_decoding: GuidedDecodingParams | None = None


@dataclass
class LoRARequest:
    lora_name: str
    lora_int_id: int
    lora_path: str


@dataclass
class RequestOutput:
    """What generate_async returns: yields itself, further each time."""

    texts: list[str]
    prompt_token_ids: list[int] = field(default_factory=lambda: [1, 2, 3])
    finished: bool = False
    aborted: bool = False
    outputs: list[Any] = field(default_factory=list)

    async def __aiter__(self) -> AsyncIterator[RequestOutput]:
        for number, text in enumerate(self.texts, 1):
            self.finished = number == len(self.texts)
            reason = "stop" if self.finished else None
            self.outputs = [completion(text, number, reason)]
            yield self

    def abort(self) -> None:
        self.aborted = True


class LLM:
    """Answers every prompt with a word more each time; a prompt that says so is too long."""

    def __init__(self, **arguments: Any) -> None:
        if arguments["model"] == "missing":
            raise ValueError("missing is no model")
        self.arguments = arguments
        self.calls: list[dict[str, Any]] = []
        self.returned: list[RequestOutput] = []
        self.is_shut_down = False

    def generate_async(self, inputs: str, **options: Any) -> RequestOutput:
        if inputs == "too long":
            raise ValueError("the prompt is longer than max_seq_len")
        self.calls.append({"inputs": inputs, **options})
        self.returned.append(RequestOutput(["one", "one two", "one two three"]))
        return self.returned[-1]

    def shutdown(self) -> None:
        self.is_shut_down = True


def completion(text: str, tokens: int, reason: str | None) -> Any:
    metrics = SimpleNamespace(
        kv_cache_metrics=SimpleNamespace(
            num_reused_blocks=4,
            num_missed_blocks=1,
            num_new_allocated_blocks=1,
            num_total_allocated_blocks=5,
            kv_cache_hit_rate=0.8,
        ),
        timing_metrics=SimpleNamespace(
            arrival_time=1 * MICROSECOND,
            first_scheduled_time=2 * MICROSECOND,
            first_token_time=3 * MICROSECOND,
            last_token_time=4 * MICROSECOND,
        ),
        speculative_decoding=SimpleNamespace(acceptance_rate=0.0, total_accepted_draft_tokens=0, total_draft_tokens=0),
    )
    return SimpleNamespace(
        text=text,
        token_ids=list(range(tokens)),
        finish_reason=reason,
        stop_reason=None,
        cumulative_logprob=None,
        request_perf_metrics=metrics,
    )


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``import tensorrt_llm`` find this, and the runtime be imported anew."""
    package, executor, llmapi = (
        ModuleType(name) for name in ("tensorrt_llm", "tensorrt_llm.executor", "tensorrt_llm.llmapi")
    )
    package.__dict__.update(LLM=LLM, SamplingParams=SamplingParams)
    executor.__dict__.update(LoRARequest=LoRARequest)
    llmapi.__dict__.update(GuidedDecodingParams=GuidedDecodingParams)
    for module in (package, executor, llmapi):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(sys.modules, "llm_backend.tensorrt_llm_runtime", raising=False)
