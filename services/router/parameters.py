"""The names of the parameters that the servers take at the doors which they speak themselves, from their own lists.

Most servers ignore a name that they do not know, so a misspelt limit is none. It is refused here instead, by its name,
and so is what a server knows of but does not do, unless it is asked for at a value that changes nothing. Only names on
the body's first level are looked at, and those of TGI's ``parameters``: what they hold is the server's to judge.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.backends.config import BackendConfig
from services.router.doors import CANNOT, Door, changes_nothing
from services.router.problems import ProblemItem, not_fitting

_MOST_CHARACTERS = 200
#: As many faults are looked for as are told: a body of nothing but wrong names costs no more than one of a few.
_MOST_FAULTS = 20
#: Longer than any name that there is.
_LONGEST_SLIP = 40
#: How alike a name has to be to one that there is for it to be taken for a slip.
_ALIKE = 0.75

#: Of OpenAI's API, without effect on the answer: every server may ignore them.
_WITHOUT_EFFECT = """
    metadata parallel_tool_calls prediction prompt_cache_key prompt_cache_options prompt_cache_retention
    safety_identifier service_tier store user
"""
#: The other parameters of OpenAI's two doors, and at which values they change nothing: besides null, which means unset.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "audio": (),
    "best_of": (1,),
    "echo": (False,),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "max_completion_tokens": (),
    "modalities": (["text"],),
    "moderation": (),
    "n": (1,),
    "presence_penalty": (0,),
    "reasoning_effort": ("none",),
    "response_format": ({"type": "text"},),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
    "web_search_options": (),
}


@dataclass(frozen=True)
class _Names:
    """What a server makes of the names: it takes some, and ignores others that there are in OpenAI's API."""

    #: None: the server itself refuses what it does not know.
    taken: frozenset[str] | None
    ignored: frozenset[str]


def _names(taken: str | None, ignored: str) -> _Names:
    known = None if taken is None else frozenset(f"{taken} {_WITHOUT_EFFECT}".split())
    return _Names(known, frozenset(ignored.split()))


_ONLY_OPENAI_CHAT = "audio function_call functions modalities moderation verbosity web_search_options"
# llama.cpp b11549: the schema of its completions (tools/server/server-schema.cpp) without what its chat templates set,
# and what its two doors read besides.
_LLAMACPP = """
    adaptive_decay adaptive_target backend_sampling cache_prompt dry_allowed_length dry_base dry_multiplier
    dry_penalty_last_n dry_sequence_breakers dynatemp_exponent dynatemp_range frequency_penalty grammar grammar_lazy
    grammar_triggers id_slot ignore_eos json_schema logit_bias logprobs lora max_completion_tokens max_tokens min_keep
    min_p mirostat mirostat_eta mirostat_tau model n n_cache_reuse n_cmpl n_discard n_indent n_keep n_predict n_probs
    post_sampling_probs presence_penalty preserved_tokens reasoning_budget_end_tag reasoning_budget_end_tags
    reasoning_budget_message reasoning_budget_start_tag reasoning_budget_tokens reasoning_control repeat_last_n
    repeat_penalty response_fields return_progress return_tokens samplers seed sse_ping_interval stop stream
    stream_options t_max_predict_ms temperature timings_per_token top_k top_n_sigma top_p typical_p verbose
    xtc_probability xtc_threshold
"""
_LLAMACPP_CHAT = """
    add_generation_prompt chat_template_kwargs continue_final_message echo messages reasoning_effort reasoning_format
    response_format thinking_budget_tokens tool_choice tools top_logprobs
"""
# vLLM 0.32: the fields of ChatCompletionRequest and CompletionRequest.
_VLLM = """
    add_special_tokens allowed_token_ids bad_words cache_salt ec_transfer_params echo frequency_penalty ignore_eos
    include_stop_str_in_output kv_transfer_params length_penalty logit_bias logprob_token_ids logprobs max_tokens min_p
    min_tokens mm_payload model n presence_penalty priority prompt_logprobs repetition_detection repetition_penalty
    request_id response_format return_mm_kwargs return_token_ids return_token_offsets return_tokens_as_token_ids
    routed_experts_prompt_start seed session_id skip_special_tokens spaces_between_special_tokens stop stop_token_ids
    stream stream_interval stream_options structured_outputs temperature thinking_token_budget top_k top_p
    truncate_prompt_tokens truncation_side use_beam_search vllm_xargs watermarking
"""
_VLLM_CHAT = """
    add_generation_prompt chat_template chat_template_kwargs continue_final_message documents include_reasoning
    max_completion_tokens media_io_kwargs messages mm_processor_kwargs reasoning_effort return_prompt_text tool_choice
    tools top_logprobs
"""
# TGI 3.3: its OpenAPI document, and max_completion_tokens, which its source knows as another name of max_tokens.
_TGI_CHAT = """
    frequency_penalty logprobs max_completion_tokens max_tokens messages model presence_penalty response_format seed
    stop stream stream_options temperature tool_choice tool_prompt tools top_logprobs top_p
"""
_TGI_COMPLETIONS = """
    frequency_penalty max_tokens model prompt repetition_penalty seed stop stream stream_options suffix temperature
    top_p
"""
_TGI_GENERATE = _Names(frozenset({"inputs", "parameters", "stream"}), frozenset())
_TGI_OWN = """
    adapter_id best_of decoder_input_details details do_sample frequency_penalty grammar max_new_tokens
    repetition_penalty return_full_text seed stop temperature top_k top_n_tokens top_p truncate typical_p watermark
"""
_TGI_PARAMETERS = _Names(frozenset(_TGI_OWN.split()), frozenset())
_CHAT: Door = "/v1/chat/completions"
_COMPLETIONS: Door = "/v1/completions"
#: By backend and door. DeepSpeed's server is ours: it refuses by itself what it does not do, and so need not be here.
_BY_BACKEND: dict[tuple[str, Door], _Names] = {
    ("llamacpp", _CHAT): _names(_LLAMACPP + _LLAMACPP_CHAT, _ONLY_OPENAI_CHAT),
    ("llamacpp", _COMPLETIONS): _names(_LLAMACPP + "prompt", "best_of echo suffix"),
    ("vllm", _CHAT): _names(_VLLM + _VLLM_CHAT, _ONLY_OPENAI_CHAT),
    ("vllm", _COMPLETIONS): _names(_VLLM + "prompt prompt_embeds suffix", "best_of"),
    # Transformers 5.19 (transformers/cli/serving) refuses what it does not know, and only warns of these in its log.
    ("transformers", _CHAT): _names(
        None,
        "audio function_call functions logprobs max_completion_tokens modalities n presence_penalty reasoning_effort "
        "response_format tool_choice top_logprobs web_search_options",
    ),
    ("transformers", _COMPLETIONS): _names(None, "best_of echo logprobs n presence_penalty"),
    ("tgi", _CHAT): _names(_TGI_CHAT, f"{_ONLY_OPENAI_CHAT} logit_bias n reasoning_effort"),
    ("tgi", _COMPLETIONS): _names(_TGI_COMPLETIONS, "best_of echo logit_bias logprobs n presence_penalty"),
    ("tgi", "/generate"): _TGI_GENERATE,
    ("tgi", "/generate_stream"): _TGI_GENERATE,
    ("tgi", "/"): _TGI_GENERATE,
}


def check_names(config: BackendConfig, door: Door, document: Mapping[str, Any]) -> None:
    """Raise Problem 422 for the parameters of a request that the backend would ignore, by their names."""
    names = _BY_BACKEND.get((config.name, door))
    if names is None:
        return
    items = _faults(names, document, "")
    parameters = document.get("parameters")
    if names is _TGI_GENERATE and isinstance(parameters, dict):
        items += _faults(_TGI_PARAMETERS, parameters, "/parameters")
    if items:
        raise not_fitting(items[:_MOST_FAULTS])


def _faults(names: _Names, document: Mapping[str, Any], place: str) -> list[ProblemItem]:
    wrong = document.keys() - names.taken if names.taken is not None else document.keys() & names.ignored
    items = []
    for name in (name for name in document if name in wrong) if wrong else ():
        if fault := _fault(names, name, document[name]):
            pointer = f"{place}/{name.replace('~', '~0').replace('/', '~1')}"
            items.append(ProblemItem(pointer=pointer[:_MOST_CHARACTERS], detail=fault))
            if len(items) == _MOST_FAULTS:
                break
    return items


def _fault(names: _Names, name: str, value: Any) -> str | None:
    """What is wrong with asking for a parameter that the server takes no notice of, if anything is."""
    if name in names.ignored:
        return None if changes_nothing(value, _NEUTRAL[name]) else CANNOT
    known = sorted(names.taken or ()) if len(name) <= _LONGEST_SLIP else ()
    meant = difflib.get_close_matches(name, known, 1, _ALIKE)
    return f"There is no such field; did you mean {meant[0]}?" if meant else "There is no such field; remove it"
