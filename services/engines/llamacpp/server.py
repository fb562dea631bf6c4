"""From our settings to llama.cpp's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xllamacpp

from services.engines.llamacpp.settings import EngineSettings

# Each open stream holds one of the server's threads, waiting: enough of them that, however many requests wait for a
# slot, the health check is answered.
_HTTP_THREADS = 256
_SOCKET_TIMEOUT_S = 600
_LOG_ERRORS = 1
#: Programs are short and repeat the names of methods: three tokens tell which, and few more follow for certain.
_NGRAM_TOKENS, _DRAFT_TOKENS = 3, 8


def parameters(
    settings: EngineSettings, adapters: Sequence[Path] = (), *, merged: Path | None = None
) -> xllamacpp.CommonParams:
    """llama.cpp's parameters; what is not set here stays as llama.cpp has it.

    Args:
        adapters: GGUF files, numbered from 0, each switched off but for requests that say otherwise.
        merged: the model with the adapter in its weights, in place of the one that is set.
    """
    name = settings.model_path.stem
    if merged is not None and settings.lora_path is not None:
        name = f"{name}+{settings.lora_path.stem}"
    params = xllamacpp.CommonParams()
    params.hostnames = [settings.host]
    params.port = settings.port
    params.model.path = str(merged or settings.model_path)
    params.model_alias = {name}
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(path), 0.0) for path in adapters]
    params.offline = True  # never looks for a model on the network

    params.n_parallel = settings.slots
    params.n_ctx = settings.context_tokens * settings.slots
    params.cpuparams.n_threads = settings.threads
    params.cpuparams_batch.n_threads = settings.threads
    params.n_threads_http = _HTTP_THREADS

    # A request takes the free slot whose last prompt begins most like its own, so our long common prompt is computed
    # once in each slot. Prompts that lose their slot to another are kept in memory, unbounded but for this.
    # They are found by their text alone, whichever adapter computed them: none where there are adapters.
    params.cache_ram_mib = 0 if adapters else settings.prompt_cache_mib
    params.cache_prompt = settings.reuse_prompts
    if settings.speculation == "ngram":
        params.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_MAP_K]
        params.speculative.ngram_map_k.size_n = _NGRAM_TOKENS
        params.speculative.ngram_map_k.size_m = _DRAFT_TOKENS

    # No page, no browser and no other user's prompt: this server has one kind of client.
    params.ui = False
    params.endpoint_slots = False
    params.endpoint_metrics = True
    params.cors_origins = ""
    params.cors_origins_explicit = True
    params.timeout_read = params.timeout_write = _SOCKET_TIMEOUT_S
    params.verbosity = _LOG_ERRORS
    return params
