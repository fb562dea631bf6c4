"""The llama.cpp engine process: the real server, with the packaged model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from services.backends.base import Backend, Delta, Finish, GenerationRequest, Invalid
from services.backends.config import load_backends
from services.backends.registry import create_backend
from services.behavior.prompt import tuned_messages
from services.behavior.schema import BehaviorRequest
from services.embedded.ports import port_of, reserve_port
from services.embedded.stack import ADAPTER
from services.engines.llamacpp.settings import PACKAGED_MODEL
from tests.servers import start_server

ORDERS = ("Please sit down", "Wave and say hello", "Walk forward one metre", "Close your left hand", "What can you do?")
#: How near, in log-probability, two tokens are that eight bits may take for each other.
CLOSE = 0.3
LONG = GenerationRequest([{"role": "user", "content": "Count to one thousand."}], 400, grammar='root ::= ("one " )+')


def start(**settings: object) -> subprocess.Popen[str]:
    environ = {f"LLAMACPP_{name.upper()}": str(value) for name, value in settings.items()}
    return start_server(
        [sys.executable, "-m", "services.engines.llamacpp"],
        env={**os.environ, **environ},
        stderr=subprocess.PIPE,
        text=True,
    )


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        text: str = response.read().decode()
        return text


@contextlib.contextmanager
def serving(**settings: object) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with reserve_port() as holder:
        url = f"http://127.0.0.1:{port_of(holder)}"
        process = start(port=port_of(holder), **settings)
        try:
            deadline = time.monotonic() + 120
            while True:
                with contextlib.suppress(OSError):
                    fetch(f"{url}/health")
                    break
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < deadline, "the engine was not healthy within 120 s"
                time.sleep(0.05)
            yield url, process
        finally:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    with serving(slots=2, context_tokens=1024) as (url, _):
        yield url


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the engine keeps the model with the adapter in its weights; the first that is asked to makes it."""
    return tmp_path_factory.mktemp("kept")


def backend_at(url: str) -> Backend:
    return create_backend(load_backends({"LLAMACPP_URL": url}).configured["llamacpp"])


def requests_in(url: str) -> int:
    """Requests that the engine generates for, or holds back until a slot is free."""
    counts = dict(line.rsplit(" ", 1) for line in fetch(f"{url}/metrics").splitlines() if not line.startswith("#"))
    return int(float(counts["llamacpp:requests_processing"]) + float(counts["llamacpp:requests_deferred"]))


def ask(url: str, content: str) -> dict[str, Any]:
    body = json.dumps({"messages": [{"role": "user", "content": content}], "max_tokens": 1}).encode()
    request = urllib.request.Request(f"{url}/v1/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def test_the_adapter_streams_what_the_grammar_allows(engine: str) -> None:
    async def run() -> None:
        backend = backend_at(engine)
        assert await backend.ready()
        request = GenerationRequest([{"role": "user", "content": "Hello"}], 32, grammar='root ::= "wave" " " "twice"')
        *deltas, finish = [piece async for piece in backend.stream(request)]
        assert "".join(delta.text for delta in deltas if isinstance(delta, Delta)) == "wave twice"
        assert isinstance(finish, Finish)
        assert (finish.reason, finish.model) == ("stop", PACKAGED_MODEL.removesuffix(".gguf"))
        assert finish.prompt_tokens > 0
        assert finish.completion_tokens > 0
        await backend.close()

    asyncio.run(run())


def test_an_adapter_answers_those_alone_who_switch_it_on(engine: str) -> None:
    """Whatever the slot did before: with the same words on one slot, the prompt in its cache is the other's."""

    async def answer(backend: Backend, adapter: str | None) -> str:
        request = GenerationRequest(tuned_messages(BehaviorRequest(instruction="Please sit down")), 24, adapter=adapter)
        return "".join([piece.text async for piece in backend.stream(request) if isinstance(piece, Delta)])

    async def run(url: str, adapters: list[str | None], **environ: str) -> list[str]:
        backend = create_backend(load_backends({"LLAMACPP_URL": url, **environ}).configured["llamacpp"])
        answers = [await answer(backend, adapter) for adapter in adapters]
        await backend.close()
        return answers

    (plain,) = asyncio.run(run(engine, [None]))
    with serving(slots=1, context_tokens=1024, lora_path=ADAPTER) as (url, _):
        turns: list[str | None] = [None, "0", None, "0"]
        first, tuned, again, tuned_again = asyncio.run(run(url, turns, LLAMACPP_TUNED="nao=0"))
    assert first == again == plain
    assert tuned == tuned_again
    assert re.match(r"# Step 1: .*\n", tuned), tuned


def probabilities(url: str, prompt: str, tokens: int, **more: Any) -> list[dict[int, float]]:
    """The likeliest tokens at each place of a greedy answer, with their log-probabilities."""
    fields = {"prompt": prompt, "n_predict": tokens, "temperature": 0, "n_probs": 5, "cache_prompt": False, **more}
    request = urllib.request.Request(
        f"{url}/completion", json.dumps(fields).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        places = json.load(response)["completion_probabilities"]
    return [{top["id"]: top["logprob"] for top in place["top_logprobs"]} for place in places]


@pytest.mark.timeout(300)
def test_in_the_weights_the_adapter_does_what_it_does_beside_them(kept: Path) -> None:
    """Token by token as far as the answers are the same words, which is where one token is clearly the likeliest."""
    prompts = [
        "".join(f"<|im_start|>{told['role']}\n{told['content']}<|im_end|>\n" for told in messages)
        + "<|im_start|>assistant\n"
        for messages in (tuned_messages(BehaviorRequest(instruction=order)) for order in ORDERS)
    ]
    common: dict[str, Any] = {"slots": 1, "context_tokens": 1024, "lora_path": ADAPTER}

    def answers(url: str, scale: float | None) -> list[list[dict[int, float]]]:
        more = {} if scale is None else {"lora": [{"id": 0, "scale": scale}]}
        return [probabilities(url, prompt, 24, **more) for prompt in prompts]

    with serving(**common, tuned="nao", merged_path=kept) as (url, _):
        merged = answers(url, None)
        name = json.loads(fetch(f"{url}/v1/models"))["data"][0]["id"]
    assert name == f"{PACKAGED_MODEL.removesuffix('.gguf')}+adapter"
    with serving(**common) as (url, _):
        beside, plain = (answers(url, scale) for scale in (1.0, 0.0))
    away, far, same = [], [], 0
    for ours, theirs, other in zip(merged, beside, plain, strict=True):
        for place, (mine, yours) in enumerate(zip(ours, theirs, strict=False)):
            (first, likely), (second, less) = list(yours.items())[:2]
            away.append(abs(mine.get(first, -99.0) - likely))
            if next(iter(mine)) != first:
                assert likely - less < CLOSE, f"{second} is taken for {first} though it is far less likely"
                break
            same += 1
            if place == 0:
                far.append(abs(other[0].get(first, -99.0) - likely))
    assert same > 0.8 * 24 * len(ORDERS)
    assert sum(away) / len(away) < 0.02
    assert min(far) > 1.0, "without the adapter the model would say something else"


@pytest.mark.timeout(300)
def test_the_next_start_takes_what_the_first_has_made(kept: Path) -> None:
    made = []
    for _ in range(2):
        with serving(slots=1, context_tokens=512, lora_path=ADAPTER, tuned="nao", merged_path=kept):
            (file,) = kept.iterdir()
            made.append(file.stat().st_mtime_ns)
    assert made[0] == made[1]


def test_many_at_once_are_all_answered(engine: str) -> None:
    async def run() -> None:
        backend = backend_at(engine)

        async def one(number: int) -> str:
            grammar = f'root ::= "number {number}"'
            request = GenerationRequest([{"role": "user", "content": "Say it"}], 16, grammar=grammar)
            pieces = [piece async for piece in backend.stream(request)]
            return "".join(piece.text for piece in pieces if isinstance(piece, Delta))

        answers = await asyncio.gather(*(one(number) for number in range(10)))
        assert answers == [f"number {number}" for number in range(10)]
        await backend.close()

    asyncio.run(run())


def test_hanging_up_frees_the_slot(engine: str) -> None:
    async def run() -> None:
        backend = backend_at(engine)
        async with aclosing(backend.stream(LONG)) as stream:
            await anext(stream)
            assert requests_in(engine) == 1
        async with asyncio.timeout(30):
            while requests_in(engine):  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.02)
        await backend.close()

    asyncio.run(run())


def test_what_the_engine_cannot_do_is_invalid(engine: str) -> None:
    async def run() -> None:
        backend = backend_at(engine)
        for request in (
            GenerationRequest([{"role": "user", "content": "long " * 3000}], 8),
            GenerationRequest([{"role": "user", "content": "x"}], 8, grammar="this is no grammar"),
        ):
            with pytest.raises(Invalid):
                await anext(backend.stream(request))
        await backend.close()

    asyncio.run(run())


def test_the_common_beginning_of_prompts_is_computed_once(engine: str) -> None:
    common = "The robot can wave, walk, sit, stand, look around and speak. " * 6
    cached = [ask(engine, common + word)["timings"]["cache_n"] for word in ("one", "two", "three")]
    assert min(cached[1:]) > 50


@pytest.mark.parametrize("path", ["/", "/slots"])
def test_it_has_no_page_and_shows_no_prompts(engine: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError):
        fetch(engine + path)


def test_sigterm_ends_it_with_0_though_it_generates() -> None:
    async def run() -> None:
        with serving(slots=1, context_tokens=1024) as (url, process):
            backend = backend_at(url)
            async with aclosing(backend.stream(LONG)) as stream:
                await anext(stream)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait, 5) == 0
            await backend.close()

    asyncio.run(run())


def refusal(**settings: object) -> str:
    """What the engine says last, in one sentence on one line, when it does not start."""
    process = start(**settings)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    last = told.splitlines()[-1]
    assert last.startswith("engine: ")
    assert last.endswith(".")
    return last


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in refusal(port=port)


def test_a_model_that_is_missing_or_none_is_told(tmp_path: Path) -> None:
    assert "there is no model at /no/such.gguf: set LLAMACPP_MODEL_PATH" in refusal(port=0, model_path="/no/such.gguf")
    other = tmp_path / "model.gguf"
    other.write_text("not a model")
    assert "is not a GGUF file" in refusal(port=0, model_path=other)
    other.write_bytes(b"GGUF but broken")
    assert f"llama.cpp cannot serve {other}" in refusal(port=0, model_path=other)


def test_an_adapter_that_is_missing_or_none_is_told(tmp_path: Path) -> None:
    assert "there is no adapter at /no/such.gguf: set LLAMACPP_LORA_PATH" in refusal(port=0, lora_path="/no/such.gguf")
    other = tmp_path / "adapter.gguf"
    other.write_text("not an adapter")
    assert "is not a GGUF file: set LLAMACPP_LORA_PATH" in refusal(port=0, lora_path=other)
    assert "holds no adapter of scripts/finetune" in refusal(port=0, lora_path=tmp_path)
    other.write_bytes(b"GGUF but broken")
    assert "llama.cpp cannot serve" in refusal(port=0, lora_path=other)


def test_what_keeps_the_adapter_from_the_weights_is_told(tmp_path: Path) -> None:
    settings = {"port": 0, "lora_path": ADAPTER, "tuned": "nao", "merged_path": tmp_path / "kept"}
    assert "set LLAMACPP_MERGED_PATH to a folder" in refusal(**{**settings, "merged_path": ""})
    assert "give all of them a number, or none" in refusal(**{**settings, "tuned": "nao,porter=0"})
    (tmp_path / "file").touch()
    told = refusal(**{**settings, "merged_path": tmp_path / "file"})
    assert f"LLAMACPP_MERGED_PATH: {tmp_path}/file cannot take the model" in told
    (tmp_path / "adapter").mkdir()
    told = refusal(**{**settings, "lora_path": tmp_path / "adapter"})
    assert "LLAMACPP_LORA_PATH: " in told
    assert "holds no adapter of scripts/finetune" in told
    other = tmp_path / "model.gguf"
    other.write_bytes(b"GGUF but broken")
    assert "is no model that an adapter can be put into" in refusal(**{**settings, "model_path": other})
    assert not [*(tmp_path / "kept").iterdir()]


def test_a_wrong_setting_is_told() -> None:
    assert "LLAMACPP_SLOTS=0 is not valid" in refusal(slots=0)
