"""The runtime on a GPU: TensorRT-LLM's LLM API, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

from tensorrt_llm import LLM, SamplingParams
from tensorrt_llm.executor import LoRARequest
from tensorrt_llm.llmapi import GuidedDecodingParams

from llm_backend.config import ConfigProblem, ModelConfig
from llm_backend.request import Refused, Request
from llm_backend.runtime import Piece, adapter

_LLM_DEFAULT_BATCH = 2048
#: Our guide types, and the LLM API's names for them.
_GUIDES = {"json_schema": "json", "regex": "regex", "ebnf_grammar": "grammar"}
#: Passed on under their own names, when they are sent.
_SAMPLING = ("best_of", "max_tokens", "temperature", "top_k", "top_p", "frequency_penalty", "presence_penalty", "seed")


class TensorRTLLM:
    """See ``Runtime``. All that model.yaml says goes to ``LLM``, which checks it."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self.capacity = int(config.engine.get("max_batch_size") or _LLM_DEFAULT_BATCH)
        self._guided = config.engine.get("guided_decoding_backend") is not None
        try:
            self._llm = LLM(**config.engine)
        except Exception as error:
            model = config.engine.get("model")
            raise ConfigProblem(f"TensorRT-LLM cannot serve {model}: {error}; mend model.yaml or LLM_MODEL") from error

    async def generate(self, request: Request) -> AsyncGenerator[Piece, None]:
        """See ``Runtime.generate``."""
        try:
            output = self._llm.generate_async(
                request.prompt,
                sampling_params=self._sampling(request),
                lora_request=self._lora(request),
                streaming=request.streaming,
            )
        except ValueError as error:  # what the LLM API raises for a prompt or a parameter that it does not take
            raise Refused("INVALID_ARG", f"TensorRT-LLM: {error}") from error
        finished = False
        try:
            async for state in output:
                finished = bool(state.finished)
                yield _piece(state)
        finally:
            if not finished:
                output.abort()
        if not finished:
            raise Refused("INTERNAL", "TensorRT-LLM ended its answer in the middle")

    async def close(self) -> None:
        """See ``Runtime.close``."""
        await asyncio.to_thread(self._llm.shutdown)

    def _sampling(self, request: Request) -> SamplingParams:
        fields = {name: getattr(request, f"sampling_param_{name}") for name in _SAMPLING}
        values = {name: value for name, value in fields.items() if value is not None}
        if request.sampling_param_stop:
            values["stop"] = request.sampling_param_stop
        if request.sampling_param_return_perf_metrics:
            values["return_perf_metrics"] = True
        if request.return_cumulative_logprob:
            values["logprobs"] = 1  # without them there is no sum either
        if request.guided_decoding_guide_type is not None:
            if not self._guided:
                raise Refused("UNSUPPORTED", "guided decoding is off: set guided_decoding_backend in model.yaml")
            guide = {_GUIDES[request.guided_decoding_guide_type]: request.guided_decoding_guide}
            values["guided_decoding"] = GuidedDecodingParams(**guide)
        # The prompt is put before the answer by us, where it is wanted, for every runtime alike.
        return SamplingParams(exclude_input_from_output=True, **values)

    def _lora(self, request: Request) -> LoRARequest | None:
        name = adapter(request, self._config)
        if name is None:
            return None
        adapters = self._config.triton.lora_adapters
        return LoRARequest(lora_name=name, lora_int_id=list(adapters).index(name) + 1, lora_path=str(adapters[name]))


def _piece(state: Any) -> Piece:
    output = state.outputs[0]
    return Piece(
        text=output.text,
        input_tokens=len(state.prompt_token_ids),
        output_tokens=len(output.token_ids),
        finish_reason=str(output.finish_reason) if state.finished else None,
        stop_reason=output.stop_reason,
        cumulative_logprob=output.cumulative_logprob,
        perf_metrics=_perf_metrics(getattr(output, "request_perf_metrics", None)),
    )


def _perf_metrics(metrics: Any) -> dict[str, object]:
    """TensorRT-LLM's figures under the names of NVIDIA's output tensors."""
    if not metrics:
        return {}
    cache, timing, speculation = metrics.kv_cache_metrics, metrics.timing_metrics, metrics.speculative_decoding
    times = ("arrival", "first_scheduled", "first_token", "last_token")
    return {
        "kv_cache_reused_block": cache.num_reused_blocks,
        "kv_cache_missed_block": cache.num_missed_blocks,
        "kv_cache_alloc_new_blocks": cache.num_new_allocated_blocks,
        "kv_cache_alloc_total_blocks": cache.num_total_allocated_blocks,
        "kv_cache_hit_rate": cache.kv_cache_hit_rate,
        **{f"{name}_time_ns": _nanoseconds(getattr(timing, f"{name}_time")) for name in times},
        "acceptance_rate": speculation.acceptance_rate,
        "total_accepted_draft_tokens": speculation.total_accepted_draft_tokens,
        "total_draft_tokens": speculation.total_draft_tokens,
    }


def _nanoseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000
