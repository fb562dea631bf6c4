"""Every door on every kind of backend: what clients send and see stays the same whichever server stands behind.

TGI and Triton are scripted here, in what they say on the wire; tests/contract/triton has the real Triton.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from tests.contract.router.running_router import RunningRouter, running_router
from tests.contract.router.scripted_server import HangUp, Received, ScriptedServer, answer

CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "Wave"}], "max_tokens": 8, "temperature": 0}
TEXT = {"model": "tiny", "prompt": "Wave", "max_tokens": 8, "temperature": 0}
GENERATE = {"inputs": "Wave", "parameters": {"max_new_tokens": 8, "details": True}}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def events(*documents: dict[str, Any] | str) -> bytes:
    lines = [document if isinstance(document, str) else json.dumps(document) for document in documents]
    return b"".join(f"data: {line}\n\n".encode() for line in lines)


def triton(*texts: str, **last: Any) -> bytes:
    """What Triton sends: the text as it grows, and its end."""
    whole = ["".join(texts[: count + 1]) for count in range(len(texts))]
    ended = {"finish_reason": "stop", "num_input_tokens": 5, "num_output_tokens": len(texts), **last}
    pieces = [{"text_output": text, "finish_reason": "None"} for text in whole[:-1]]
    return events(*pieces, {"text_output": whole[-1], **ended})


def openai(*texts: str, reason: str = "stop") -> bytes:
    """What OpenAI's completions send."""
    chunks = [{"model": "m", "choices": [{"index": 0, "text": text, "finish_reason": None}]} for text in texts]
    usage = {"prompt_tokens": 5, "completion_tokens": len(texts)}
    last = {"model": "m", "choices": [{"index": 0, "text": "", "finish_reason": reason}], "usage": usage}
    return events(*chunks, last, "[DONE]")


def streaming(body: bytes) -> Any:
    def script(request: Received) -> None:
        request.send(HEAD + body)
        raise HangUp

    return script


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, ScriptedServer]]:
    with ScriptedServer() as llamacpp, ScriptedServer() as tgi, ScriptedServer() as tensorrtllm:
        yield {"llamacpp": llamacpp, "tgi": tgi, "tensorrtllm": tensorrtllm}


@pytest.fixture(scope="module")
def doors(redis_url: str, servers: dict[str, ScriptedServer]) -> Iterator[RunningRouter]:
    urls = {f"{name.upper()}_URL": server.url for name, server in servers.items()}
    with running_router(REDIS_URL=redis_url, ROUTER_PROCESSES="1", **urls) as router:
        yield router


@pytest.fixture
def http(doors: RunningRouter, servers: dict[str, ScriptedServer], redis_client: redis.Redis) -> Iterator[httpx.Client]:
    for server in servers.values():
        server.reset()
    with doors.client() as client:
        yield client


def post(http: httpx.Client, path: str, body: dict[str, Any], backend: str, **headers: str) -> httpx.Response:
    return http.post(path, json=body, headers={"X-Backend": backend, **headers})


def stream_of(response: httpx.Response) -> list[Any]:
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_chat_on_triton(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    servers["tensorrtllm"].script = streaming(triton("Hel", "lo"))
    response = post(http, "/v1/chat/completions", CHAT, "tensorrtllm", traceparent="00-1-2-3")

    sent = servers["tensorrtllm"].next_request()
    assert sent.line == "POST /v2/models/tensorrt_llm/generate_stream HTTP/1.1"
    assert sent.fields["traceparent"] == "00-1-2-3"
    body = json.loads(sent.body)
    assert body["text_input"].endswith("<|im_start|>user\nWave<|im_end|>\n<|im_start|>assistant\n")
    assert (body["sampling_param_max_tokens"], body["sampling_param_top_k"], body["streaming"]) == (8, 1, True)
    document = response.json()
    assert document["object"] == "chat.completion"
    assert document["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello"},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert document["usage"] == {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def test_triton_is_called_by_either_name(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    servers["tensorrtllm"].script = streaming(triton("Hel", "lo"))
    assert post(http, "/v1/chat/completions", CHAT, "triton").json()["choices"][0]["message"]["content"] == "Hello"
    order = {"instruction": "Wave", "backend": "triton"}
    assert http.post("/v1/behaviors", json=order).json()["backend"] == "tensorrtllm"


def test_a_chat_stream_on_triton(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    servers["tensorrtllm"].script = streaming(triton("Hel", "lo", finish_reason="length"))
    asked = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, done = stream_of(post(http, "/v1/chat/completions", asked, "tensorrtllm"))
    assert done == "[DONE]"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks[:-1]) == "Hello"
    assert [c["choices"][0]["finish_reason"] for c in chunks[:-1]][-1] == "length"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 7)
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_completions_on_triton(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    servers["tensorrtllm"].script = streaming(triton("Hel", "lo"))
    document = post(http, "/v1/completions", TEXT, "tensorrtllm").json()
    assert json.loads(servers["tensorrtllm"].next_request().body)["text_input"] == "Wave"
    assert (document["object"], document["choices"][0]["text"]) == ("text_completion", "Hello")


@pytest.mark.parametrize(("backend", "says"), [("tensorrtllm", triton("Hel", "lo")), ("llamacpp", openai("Hel", "lo"))])
def test_generate_where_tgi_does_not_stand(
    http: httpx.Client, servers: dict[str, ScriptedServer], backend: str, says: bytes
) -> None:
    servers[backend].script = streaming(says)
    document = post(http, "/generate", GENERATE, backend).json()
    assert document["generated_text"] == "Hello"
    assert (document["details"]["finish_reason"], document["details"]["generated_tokens"]) == ("eos_token", 2)

    *tokens, last = stream_of(post(http, "/generate_stream", GENERATE, backend))
    assert "".join(event["token"]["text"] for event in tokens) == "Hello"
    assert [event["index"] for event in [*tokens, last]] == list(range(1, len(tokens) + 2))
    assert last["generated_text"] == "Hello"
    assert last["details"]["input_length"] == 5


def test_generate_asks_openais_servers_for_a_completion(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    servers["llamacpp"].script = streaming(openai("x"))
    sampled = {"inputs": "Wave", "parameters": {"do_sample": True, "top_p": 0.5, "seed": 7, "stop": ["\n"]}}
    post(http, "/generate", sampled, "llamacpp")
    sent = servers["llamacpp"].next_request()
    body = json.loads(sent.body)
    assert sent.line == "POST /v1/completions HTTP/1.1"
    assert {name: body[name] for name in ("prompt", "temperature", "top_p", "seed", "stop")} == {
        "prompt": "Wave",
        "temperature": 1.0,
        "top_p": 0.5,
        "seed": 7,
        "stop": ["\n"],
    }


def test_tgis_own_doors_are_open_as_they_are(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    servers["tgi"].script = lambda request: request.send(answer(b'[{"generated_text":"as it is"}]'))
    asked = {"inputs": "Wave", "parameters": {"watermark": True}}
    response = post(http, "/generate?x=1", asked, "tgi")
    sent = servers["tgi"].next_request()
    assert (sent.line, json.loads(sent.body)) == ("POST /generate?x=1 HTTP/1.1", asked)
    assert response.json() == [{"generated_text": "as it is"}]


def test_what_tgi_would_ignore_is_refused_by_its_name(http: httpx.Client) -> None:
    response = post(http, "/generate", {"inputs": "Wave", "parameters": {"max_new_token": 8}}, "tgi")
    assert response.status_code == 422
    assert "/parameters/max_new_token: There is no such field; did you mean max_new_tokens?" in response.json()["error"]


def test_what_tgi_takes_amiss_in_openais_requests_is_put_right(
    http: httpx.Client, servers: dict[str, ScriptedServer]
) -> None:
    said = b'data: {"choices":[{"delta":{},"finish_reason":"stop_sequence"}]}\n\ndata: [DONE]\n\n'
    servers["tgi"].script = streaming(said)
    asked = {**CHAT, "model": "", "top_p": 1, "presence_penalty": 0, "stop": "\n", "stream": True, "tools": [{"a": 1}]}
    *chunks, done = stream_of(post(http, "/v1/chat/completions", asked, "tgi"))
    body = json.loads(servers["tgi"].next_request().body)
    assert (body["model"], body["stop"], body["tools"]) == ("tgi", ["\n"], [{"a": 1}])
    assert not {"top_p", "presence_penalty"} & body.keys()
    assert (chunks[0]["choices"][0]["finish_reason"], done) == ("stop", "[DONE]")


def test_an_error_before_the_first_piece_has_a_status(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    cases = [
        ("8 requests are being answered, try again later", 429),
        ("Error generating request: CUDA error", 502),
        ("guided_decoding_guide: not a grammar", 422),
    ]
    for message, status in cases:
        servers["tensorrtllm"].script = streaming(events({"error": message}))
        refused = post(http, "/v1/chat/completions", {**CHAT, "stream": True}, "tensorrtllm")
        assert refused.status_code == status, message
        assert message in refused.json()["error"]["message"]
    servers["tensorrtllm"].script = lambda r: r.send(answer(b'{"error":"try again later"}', status="400 Bad Request"))
    refused = post(http, "/generate", GENERATE, "tensorrtllm")
    assert (refused.status_code, refused.json()["error_type"]) == (429, "overloaded")


@pytest.mark.parametrize("path", ["/generate", "/generate_stream"])
@pytest.mark.parametrize("said", [b"", b'{"error":{"code":503,"message":"loading"}}', b"data: {}\n\n"])
def test_an_answer_that_ends_before_the_first_piece_has_a_status(
    http: httpx.Client, servers: dict[str, ScriptedServer], path: str, said: bytes
) -> None:
    servers["llamacpp"].script = streaming(said)
    refused = post(http, path, GENERATE, "llamacpp")
    assert (refused.status_code, refused.json()["error_type"]) == (502, "generation")


def test_an_answer_without_text_is_one(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    servers["llamacpp"].script = streaming(openai())
    (last,) = stream_of(post(http, "/generate_stream", GENERATE, "llamacpp"))
    assert (last["generated_text"], last["details"]["finish_reason"]) == ("", "eos_token")


@pytest.mark.parametrize(
    ("path", "body", "last"),
    [
        ("/v1/chat/completions", {**CHAT, "stream": True}, "[DONE]"),
        ("/generate_stream", GENERATE, '"error_type":"generation"'),
    ],
)
def test_an_error_amid_a_stream_is_told_in_the_doors_words(
    http: httpx.Client, servers: dict[str, ScriptedServer], path: str, body: dict[str, Any], last: str
) -> None:
    begun = threading.Event()

    def script(request: Received) -> None:
        request.send(HEAD + events({"text_output": "Hel", "finish_reason": "None"}))
        assert begun.wait(20)
        request.send(events({"error": "Error generating request: lost"}))
        raise HangUp

    servers["tensorrtllm"].script = script
    lines: list[str] = []
    with http.stream("POST", path, json=body, headers={"X-Backend": "tensorrtllm"}) as response:
        for line in response.iter_lines():
            lines += [line] if line else []
            if "Hel" in line:
                begun.set()
    assert "Error generating request: lost" in "".join(lines[-2:])
    assert last in lines[-1]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/chat/completions", {**CHAT, "tools": [{"type": "function"}]}, "tools"),
        ("/v1/chat/completions", {**CHAT, "n": 2}, "n"),
        ("/v1/chat/completions", {"messages": []}, "messages"),
        ("/v1/chat/completions", {**CHAT, "temprature": 1}, "temprature"),
        ("/v1/completions", {**TEXT, "top_k": 3}, "top_k"),
        ("/generate", {"inputs": "x", "parameters": {"max_tokens": 3}}, "max_tokens"),
        ("/v1/completions", {**TEXT, "prompt": ["a", "b"]}, "prompt"),
        ("/generate", {"inputs": "x", "parameters": {"grammar": {"type": "json", "value": {}}}}, "grammar"),
        ("/generate", {"inputs": ""}, "inputs"),
        ("/generate", {"inputs": "x", "parameters": {"stop": [""]}}, "stop"),
        ("/", {"inputs": "x", "parameters": {"adapter_id": "nao"}}, "adapter_id"),
    ],
)
def test_what_cannot_be_carried_over_is_refused(
    http: httpx.Client, servers: dict[str, ScriptedServer], path: str, body: dict[str, Any], pointer: str
) -> None:
    response = post(http, path, body, "tensorrtllm")
    assert response.status_code == 422
    assert pointer in response.text
    assert servers["tensorrtllm"].received.empty()


def test_a_hang_up_ends_the_generation_on_triton_by_name(
    doors: RunningRouter, http: httpx.Client, servers: dict[str, ScriptedServer]
) -> None:
    servers["tensorrtllm"].script = lambda request: request.send(HEAD)  # and nothing more
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{doors.url}/v1/chat/completions", json=CHAT, headers={"X-Backend": "tensorrtllm"}, timeout=1)
    asked = json.loads(servers["tensorrtllm"].next_request().body)
    stop = json.loads(servers["tensorrtllm"].next_request().body)
    assert (stop["id"], stop["stop"]) == (asked["id"], True)


def test_nothing_of_one_answer_is_in_the_next(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    for text in ("one", "two"):
        servers["llamacpp"].script = streaming(openai(text))
        assert post(http, "/generate", GENERATE, "llamacpp").json()["generated_text"] == text


@pytest.mark.parametrize(("backend", "path"), [("tgi", "/v1/chat/completions"), ("llamacpp", "/generate_stream")])
def test_an_answer_without_end_does_not_hold_up_the_others(
    doors: RunningRouter, http: httpx.Client, servers: dict[str, ScriptedServer], backend: str, path: str
) -> None:
    endless = b"data: " + b"x" * 65536 if backend == "tgi" else openai("x" * 1000).split(b"\n\n")[0] + b"\n\n"

    def script(request: Received) -> None:
        request.send(HEAD)
        while True:  # until the router hangs up
            request.send(endless)

    servers[backend].script = script
    body = GENERATE if path == "/generate_stream" else {**CHAT, "stream": True}
    with http.stream("POST", path, json=body, headers={"X-Backend": backend}) as response:
        pieces = response.iter_raw()
        for _ in range(20):
            next(pieces)
        began = time.monotonic()
        assert httpx.get(f"{doors.url}/healthz", timeout=20).status_code == 200
        assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("said", ['{"choices":"none"}', '{"choices":[{"text":7}]}', "null", "[" * 5000])
def test_what_makes_no_sense_is_the_backends_failure(
    http: httpx.Client, servers: dict[str, ScriptedServer], said: str
) -> None:
    servers["llamacpp"].script = streaming(events(said))
    refused = post(http, "/generate", GENERATE, "llamacpp")
    assert (refused.status_code, refused.json()["error_type"]) == (502, "generation")


@pytest.mark.parametrize("said", [b"wave\nto us\n\ndata: [DONE]\n\n", events({"choices": [{"text": ""}]}, "[DONE]")])
def test_an_end_that_says_nothing_is_no_answer(
    http: httpx.Client, servers: dict[str, ScriptedServer], said: bytes
) -> None:
    servers["llamacpp"].script = streaming(said)
    refused = post(http, "/generate", GENERATE, "llamacpp")
    assert (refused.status_code, refused.json()["error"]) == (
        502,
        "llamacpp ended its answer without a finish_reason; try again.",
    )


def test_an_answer_of_ours_can_be_sent_back(http: httpx.Client, servers: dict[str, ScriptedServer]) -> None:
    answer = {"role": "assistant", "content": "Hello.", "refusal": None, "annotations": [], "tool_calls": None}
    servers["tensorrtllm"].script = streaming(triton("again"))
    again = {**CHAT, "messages": [*CHAT["messages"], answer, {"role": "user", "content": "Again"}]}
    assert post(http, "/v1/chat/completions", again, "tensorrtllm").status_code == 200
    assert "refusal" not in servers["tensorrtllm"].next_request().body.decode()
