"""What a real Triton with our repository and llama.cpp behind it answers."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from running_triton import Triton, calling
from tritonclient.utils import InferenceServerException

PROMPT = "Once upon a time"
SCHEMA = {
    "type": "object",
    "properties": {"joint": {"enum": ["HeadYaw", "HeadPitch"]}, "degrees": {"type": "integer"}},
    "required": ["joint", "degrees"],
    "additionalProperties": False,
}


def guide(kind: str, text: str) -> dict[str, object]:
    return {"guided_decoding_guide_type": kind, "guided_decoding_guide": text}


def test_one_answer_with_nvidias_defaults(triton: Triton) -> None:
    answer = triton.generate(PROMPT, return_num_output_tokens=True, return_finish_reason=True)
    assert answer["text_output"].startswith(PROMPT)
    assert len(answer["text_output"]) > len(PROMPT)
    assert (answer["num_output_tokens"], answer["finish_reason"]) == (32, "length")
    assert "stop_reason" not in answer


def test_the_prompt_can_be_left_out(triton: Triton) -> None:
    whole = triton.generate(PROMPT)["text_output"]
    assert triton.text(PROMPT) == whole.removeprefix(PROMPT)


def test_http_streams_the_text_so_far(triton: Triton) -> None:
    events = list(triton.stream(PROMPT, sampling_param_max_tokens=8, return_finish_reason=True))
    texts = [event["text_output"] for event in events]
    assert len(texts) >= 8
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    assert texts[0].startswith(PROMPT)
    assert [event["finish_reason"] for event in events] == ["None"] * (len(events) - 1) + ["length"]


def test_grpc_streams_the_same(triton: Triton) -> None:
    with calling(triton, text_input=PROMPT, sampling_param_max_tokens=8, return_finish_reason=True) as call:
        answers = [answer for _, answer in call.all()]
    texts = [answer["text_output"] for answer in answers]
    assert texts[-1] == list(triton.stream(PROMPT, sampling_param_max_tokens=8))[-1]["text_output"]
    assert len(set(texts)) == 8
    assert answers[-1]["finish_reason"] == "length"


def test_without_streaming_there_is_one_response_over_grpc_too(triton: Triton) -> None:
    with calling(triton, text_input=PROMPT, streaming=False, sampling_param_max_tokens=4) as call:
        assert len(call.all()) == 1


def test_greedy_is_the_same_every_time(triton: Triton) -> None:
    plain = triton.text(PROMPT)
    assert plain == triton.text(PROMPT)
    assert plain == triton.text(PROMPT, sampling_param_temperature=0.0)
    assert plain == triton.text(PROMPT, sampling_param_temperature=1.5, sampling_param_top_k=1)


def test_a_seed_repeats_and_another_differs(triton: Triton) -> None:
    first, again, other = (
        triton.text(PROMPT, sampling_param_temperature=1.2, sampling_param_seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_it_ends_at_a_stop_string_and_says_which(triton: Triton) -> None:
    word = triton.text(PROMPT).split()[4]
    answer = triton.generate(
        PROMPT, sampling_param_stop=["no such text", word], return_finish_reason=True, return_stop_reason=True
    )
    assert (answer["finish_reason"], answer["stop_reason"]) == ("stop", word)
    assert word not in answer["text_output"]


def test_the_sum_of_logprobs_is_given_on_request(triton: Triton) -> None:
    def total(tokens: int) -> float:
        answer = triton.generate(PROMPT, sampling_param_max_tokens=tokens, return_cumulative_logprob=True)
        return float(answer["cumulative_logprob"])

    assert total(8) < total(2) < 0


def test_an_ebnf_grammar_is_obeyed(triton: Triton) -> None:
    assert triton.text("Answer: ", **guide("ebnf_grammar", 'root ::= "wave" " " ("twice" | "once")')) in (
        "wave twice",
        "wave once",
    )


def test_a_json_schema_is_obeyed(triton: Triton) -> None:
    text = triton.text("Turn the head.", sampling_param_max_tokens=60, **guide("json_schema", json.dumps(SCHEMA)))
    jsonschema.validate(json.loads(text), SCHEMA)


def test_a_regex_is_obeyed(triton: Triton) -> None:
    pattern = "[0-9]{3}/[a-c]{2}"
    assert re.fullmatch(pattern, triton.text("The code is ", **guide("regex", pattern)))


def test_tokens_are_counted_as_llama_cpp_counts_them(triton: Triton) -> None:
    program = f"""if True:
        import json, os, urllib.request, xllamacpp
        from services.engines.llamacpp.server import parameters
        from services.engines.llamacpp.settings import EngineSettings
        server = xllamacpp.Server(parameters(EngineSettings(port=0, slots=2, context_tokens=1024)))
        body = json.dumps({{"prompt": {PROMPT!r}, "n_predict": 12, "temperature": 0}}).encode()
        request = urllib.request.Request(server.listening_address + "/completion", body)
        print(urllib.request.urlopen(request).read().decode(), flush=True)
        os._exit(0)"""
    environ = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    told = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, timeout=60, check=True)
    own: dict[str, Any] = json.loads(told.stdout)
    answer = triton.generate(
        PROMPT, sampling_param_max_tokens=12, return_num_input_tokens=True, return_num_output_tokens=True
    )
    assert answer["num_input_tokens"] == own["tokens_evaluated"]
    assert answer["num_output_tokens"] == own["tokens_predicted"]
    assert answer["text_output"] == PROMPT + own["content"]


def test_two_requests_are_answered_at_once(triton: Triton) -> None:
    endless = guide("ebnf_grammar", 'root ::= ("one ")+')
    with calling(triton, sampling_param_max_tokens=200, **endless) as long:
        began, _ = long.next()
        with calling(triton, sampling_param_max_tokens=5) as short:
            times = [at for at, _ in short.all()]
        ended = long.all()[-1][0]
    assert began < times[0] < times[-1] < ended


def test_an_adapter_is_chosen_by_its_name_and_only_for_that_request(triton: Triton) -> None:
    base = triton.text(PROMPT)
    noisy = triton.text(PROMPT, lora_name="noise")
    assert noisy != base
    assert noisy == triton.text(PROMPT, lora_name="noise")
    assert base == triton.text(PROMPT)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"text_input": None, "streaming": False}, "text_input is missing"),
        ({"text_input": ""}, "text_input: "),
        ({"text_input": ["one", "two"]}, "text_input: List should have at most 1 item"),
        ({"text_input": "long " * 2000}, "exceeds the available context size"),
        ({"sampling_param_max_tokens": 0}, "sampling_param_max_tokens: Input should be greater than or equal to 1"),
        ({"sampling_param_temperature": -1.0}, "sampling_param_temperature: Input should be greater than"),
        ({"sampling_param_top_p": 1.5}, "sampling_param_top_p: Input should be less than or equal to 1"),
        ({"sampling_param_top_k": -1}, "sampling_param_top_k: Input should be greater than or equal to 0"),
        ({"sampling_param_best_of": 2}, "sampling_param_best_of: Input should be 1"),
        ({"sampling_param_frequency_penalty": 3}, "sampling_param_frequency_penalty: Input should be less than"),
        ({"sampling_param_return_perf_metrics": True}, "sampling_param_return_perf_metrics: llama.cpp has none"),
        ({"image_url": "data:image/png;base64,AA=="}, "image_url: not supported"),
        ({"guided_decoding_guide": "[0-9]+"}, "guided_decoding_guide and guided_decoding_guide_type must be sent"),
        (guide("xml", "<a/>"), "guided_decoding_guide_type: Input should be 'json_schema', 'regex' or 'ebnf_grammar'"),
        (guide("json_schema", "{"), "guided_decoding_guide: no JSON"),
        (guide("json_schema", '{"type": "nonsense"}'), "guided_decoding_guide: .*nonsense"),
        (guide("regex", "(ab"), "guided_decoding_guide: .*unclosed group"),
        (guide("regex", "(a{1000}){1000}"), "guided_decoding_guide: too complex"),
        (guide("json_schema", "[" * 100_000), "guided_decoding_guide: no JSON"),
        (guide("ebnf_grammar", f'root ::= {"(" * 40_000}"a"{")" * 40_000}'), "guided_decoding_guide: nested more than"),
        (guide("ebnf_grammar", "nonsense"), "llama.cpp: .*failed to parse grammar"),
        (guide("ebnf_grammar", "%llguidance {}\nstart: nonsense"), "guided_decoding_guide: .*unknown name"),
        ({"lora_name": "quiet"}, "there is no adapter 'quiet'; this server has: noise"),
        ({"lora_name": "noise", "lora_path": "/etc/passwd", "lora_id": 1}, "adapter 'noise' is at another path"),
        ({"lora_path": "/etc/passwd", "lora_id": 1}, "lora_name is missing"),
        ({"stop": True}, "A request id must be provided for request cancellation"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(triton: Triton, inputs: dict[str, Any], message: str) -> None:
    error = triton.generate(**inputs)["error"]
    assert re.search(message, error), error


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        ({"sampling_param_max_tokens": 0}, "StatusCode.INVALID_ARGUMENT"),
        ({"lora_name": "quiet"}, "StatusCode.NOT_FOUND"),
        ({"image_url": "http://127.0.0.1/a.png"}, "StatusCode.UNIMPLEMENTED"),
    ],
)
def test_grpc_gets_the_kind_of_the_error(triton: Triton, inputs: dict[str, Any], status: str) -> None:
    with calling(triton, strict=True, **inputs) as call, pytest.raises(InferenceServerException) as caught:
        call.next()
    assert caught.value.status() == status
