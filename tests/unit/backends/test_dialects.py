"""What an answer says does not depend on where the network cut it, nor on what came together."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.backends.base import BackendError, Finish, GenerationRequest
from services.backends.config import load_backends
from services.backends.registry import dialect_for

CHAT = GenerationRequest([{"role": "user", "content": "Wave"}], 8, stop=["\n\n"])
PROMPT = replace(CHAT, messages=[], prompt="Wave")


def events(*documents: Any) -> list[bytes]:
    return [b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n" for document in documents]


def choice(reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "finish_reason": reason, **more}]}


def tgi(text: str, whole: str | None = None) -> dict[str, Any]:
    details = {"finish_reason": "stop_sequence", "generated_tokens": 2, "input_length": 5}
    return {"token": {"text": text, "special": False}, "generated_text": whole, "details": whole and details}


USAGE = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
DONE = b"data: [DONE]\n\n"
COUNTS = {"num_input_tokens": 5, "num_output_tokens": 2}
ANSWERS = {
    "vLLM": (
        "vllm",
        CHAT,
        [*events(choice(delta={"content": "grüß"}), choice("stop", delta={"content": " dich"}), USAGE), DONE],
    ),
    "vLLM's completions": (
        "vllm",
        PROMPT,
        [*events(choice(text="grüß"), choice("stop", text=" dich"), USAGE), DONE],
    ),
    "transformers serve": (
        "transformers",
        CHAT,
        events(choice(delta={"content": "grüß dich"}), choice("stop", delta={}) | {"usage": USAGE["usage"]}),
    ),
    "TGI's chat, the stop string left in": (
        "tgi",
        CHAT,
        [
            *events(
                choice(delta={"content": "grüß dich"}),
                choice(delta={"content": "\n"}),
                choice("stop_sequence", delta={"content": "\n"}),
                USAGE,
            ),
            DONE,
        ],
    ),
    "TGI's generate_stream, the stop string left in": (
        "tgi",
        PROMPT,
        events(tgi("grüß"), tgi(" dich\n"), tgi("\n", whole="grüß dich\n\n")),
    ),
    "Triton": (
        "tensorrtllm",
        CHAT,
        events(
            {"text_output": "grü", "finish_reason": "None", **COUNTS},
            {"text_output": "grüß�", "finish_reason": "None", **COUNTS},
            {"text_output": "grüß dich", "finish_reason": "stop", **COUNTS},
        ),
    ),
    "Triton, outputs in lists": (
        "tensorrtllm",
        PROMPT,
        events({"text_output": ["grüß dich"], "finish_reason": ["stop"], **{k: [v] for k, v in COUNTS.items()}}),
    ),
}


def read(name: str, request: GenerationRequest, chunks: list[bytes]) -> tuple[str, Finish]:
    """What a caller gets who is handed these chunks and then the end of the body."""
    answer = dialect_for(load_backends({"BACKEND": name}).configured[name]).answer(request)
    texts = []
    for chunk in [*chunks, b""]:
        texts.append(answer.feed(chunk))
        if answer.ended:
            break
    return "".join(texts), answer.finish()


@pytest.mark.parametrize("case", ANSWERS)
def test_events_one_by_one(case: str) -> None:
    name, request, chunks = ANSWERS[case]
    text, finish = read(name, request, chunks)
    assert text == "grüß dich"
    assert (finish.reason, finish.prompt_tokens, finish.completion_tokens) == ("stop", 5, 2)


@given(data=st.data())
def test_bytes_cut_anywhere(data: st.DataObject) -> None:
    name, request, chunks = ANSWERS[data.draw(st.sampled_from(sorted(ANSWERS)))]
    whole = b"".join(chunks)
    edges = [0, *sorted(data.draw(st.sets(st.integers(1, len(whole) - 1)))), len(whole)]
    assert read(name, request, [whole[start:end] for start, end in pairwise(edges)]) == read(name, request, chunks)


@pytest.mark.parametrize("case", [case for case in ANSWERS if case.startswith("TGI")])
def test_a_stop_string_that_the_server_does_not_see_ends_the_answer_at_once(case: str) -> None:
    name, request, chunks = ANSWERS[case]
    answer = dialect_for(load_backends({"BACKEND": name}).configured[name]).answer(replace(request, stop=["dich"]))
    texts = []
    while not answer.ended:
        texts.append(answer.feed(chunks[len(texts)]))
    assert "".join(texts) == "grüß "
    assert answer.finish().reason == "stop"
    assert len(texts) < len(chunks), "it waited for the server's end"


@pytest.mark.parametrize("payload", [b"[1]", b"7", b"oh no", b"null"])
@pytest.mark.parametrize("case", sorted(ANSWERS))
def test_an_event_that_is_none_is_an_error_that_quotes_it(case: str, payload: bytes) -> None:
    name, request, _ = ANSWERS[case]
    with pytest.raises(BackendError) as raised:
        read(name, request, [b"data: " + payload + b"\n\n"])
    assert payload.decode() in raised.value.message
