"""The static batch engine with the packaged model, as plain Transformers and through DeepSpeed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from engine_process import Server, environ, serving

from services.backends.base import Delta, GenerationRequest, Invalid
from services.backends.batch import BatchBackend
from services.backends.config import BackendConfig
from services.behavior.catalogue import load_catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.program import ProgramReader, Refusal, Statement
from services.behavior.schema import Scene, SceneItem

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]

MODULE, PREFIX = "services.engines.static_batch", "STATIC_BATCH_"
PROMPTS = ["The capital of France is", "Once upon a time, there was a little robot who", "One, two, three,"]
NAO = load_catalogue("nao")
FRANCE = "The capital of France is"


@pytest.fixture(scope="module", params=["transformers", "deepspeed"])
def engine(
    request: pytest.FixtureRequest, engines_python: str, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("engine") / f"{request.param}.log"
    settings = {"runtime": request.param, "max_batch": 4, "max_queued": 8, "max_prompt_tokens": 512}
    with serving(engines_python, MODULE, PREFIX, log, 120, model=model_folder, served_name="small", **settings) as it:
        yield it


def complete(engine: Server, prompt: str | list[str], **fields: object) -> Any:
    status, document = engine.post("/v1/completions", prompt=prompt, **{"max_tokens": 8, "temperature": 0, **fields})
    assert status == 200, document
    return document


def texts(document: Any) -> list[str]:
    return [choice["text"] for choice in document["choices"]]


def metric(engine: Server, name: str) -> float:
    lines = engine.get("/metrics")[1].splitlines()
    return float(next(line.rsplit(" ", 1)[1] for line in lines if line.startswith(f"{name} ")))


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until another process has come so far."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "not within 60 s"
        time.sleep(0.05)


def test_it_tells_what_it_serves(engine: Server) -> None:
    status, models = engine.get("/v1/models")
    assert status == 200
    assert '"id": "small"' in models


def test_a_batch_answers_as_each_prompt_alone_would(engine: Server) -> None:
    alone = [texts(complete(engine, prompt))[0] for prompt in PROMPTS]
    together = complete(engine, PROMPTS)
    assert texts(together) == alone
    assert alone[0].startswith(" Paris")
    assert [choice["finish_reason"] for choice in together["choices"]] == ["length"] * 3
    assert together["usage"]["completion_tokens"] == 24


def test_a_request_with_a_list_is_one_batch(engine: Server) -> None:
    before = metric(engine, "static_batch_size_count")
    complete(engine, PROMPTS)
    assert metric(engine, "static_batch_size_count") == before + 1


def test_prompts_of_very_different_lengths_are_not_padded_to_each_other(engine: Server) -> None:
    before = metric(engine, "static_batch_size_count")
    assert len(texts(complete(engine, [FRANCE, "word " * 300]))) == 2
    assert metric(engine, "static_batch_size_count") == before + 2


def test_a_common_beginning_changes_no_answer(engine: Server) -> None:
    beginning = "You are a robot. You can walk, sit and speak. " * 8
    prompts = [beginning + prompt for prompt in PROMPTS]
    together = texts(complete(engine, prompts))
    complete(engine, "something else " * 40)  # takes the place of the beginning that was kept
    assert [texts(complete(engine, prompt))[0] for prompt in prompts] == together


def test_what_one_asks_amiss_fails_it_alone(engine: Server) -> None:
    """The adapter's batch, sent again in halves by reason of the one that the engine refuses."""

    async def ask(backend: BatchBackend, prompt: str) -> str:
        request = GenerationRequest(messages=[], max_tokens=8, prompt=prompt)
        return "".join([item.text async for item in backend.stream(request) if isinstance(item, Delta)])

    async def ask_all() -> list[str | BaseException]:
        config = BackendConfig(
            name="deepspeed", kind="openai", url=engine.url, batching="static", max_concurrency=4, batch_wait_ms=500
        )
        backend = BatchBackend(config)
        try:
            prompts = [PROMPTS[0], "word " * 600, *PROMPTS[1:]]
            return await asyncio.gather(*(ask(backend, prompt) for prompt in prompts), return_exceptions=True)
        finally:
            await backend.close()

    first, refused, *rest = asyncio.run(ask_all())
    assert isinstance(refused, Invalid)
    assert "512" in refused.message
    assert [first, *rest] == texts(complete(engine, PROMPTS))


def test_each_is_answered_as_soon_as_it_ends(engine: Server) -> None:
    body = {"prompt": PROMPTS, "max_tokens": [2, 24, 6], "temperature": 0}
    ends, usages, contents = [], {}, {0: "", 1: "", 2: ""}
    with engine.stream("/v1/completions", **body) as events:
        *chunks, done = list(events)
    for chunk in chunks:
        [choice] = chunk["choices"]
        contents[choice["index"]] += choice["text"]
        if choice["finish_reason"]:
            ends.append(choice["index"])
            usages[choice["index"]] = chunk["usage"]["completion_tokens"]
    assert done == "[DONE]"
    assert ends == [0, 2, 1]
    assert usages == {0: 2, 1: 24, 2: 6}
    whole = complete(engine, PROMPTS, max_tokens=[2, 24, 6])
    assert list(contents.values()) == texts(whole)
    # The answer with 2 tokens was there long before the one with 24.
    first_end = next(at for at, chunk in enumerate(chunks) if chunk["choices"][0]["finish_reason"])
    assert first_end < len(chunks) / 2


def test_the_conversation_goes_through_the_models_template(engine: Server) -> None:
    conversation = [{"role": "user", "content": "What is the capital of France?"}]
    status, one = engine.post("/v1/chat/completions", messages=conversation, temperature=0, max_tokens=16)
    assert status == 200
    [choice] = one["choices"]
    assert "Paris" in choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    status, two = engine.post("/v1/chat/completions", messages=[conversation] * 2, temperature=0, max_tokens=16)
    assert [each["message"] for each in two["choices"]] == [choice["message"]] * 2
    with engine.stream("/v1/chat/completions", messages=conversation, temperature=0, max_tokens=16) as events:
        *chunks, _ = list(events)
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == choice["message"]["content"]


def test_a_stop_string_that_spans_tokens_ends_the_answer(engine: Server) -> None:
    whole = texts(complete(engine, FRANCE, max_tokens=16))[0]
    stop = whole[3:9]  # begins within the first word
    stopped = complete(engine, FRANCE, max_tokens=16, stop=["never", stop])
    assert texts(stopped) == [whole[: whole.index(stop)]]
    assert stopped["choices"][0]["finish_reason"] == "stop"


def test_a_seed_repeats_an_answer_whoever_is_in_the_batch(engine: Server) -> None:
    sampled = {"temperature": 1.0, "top_p": 0.95, "top_k": 50}
    alone = texts(complete(engine, PROMPTS[1], seed=11, **sampled))[0]
    together = texts(complete(engine, [PROMPTS[1]] * 3, seed=[11, 12, 11], **sampled))
    assert together[0] == together[2] == alone
    assert together[1] != alone


def test_greedy_rows_stay_greedy_beside_sampled_ones(engine: Server) -> None:
    mixed = texts(complete(engine, [FRANCE, FRANCE], temperature=[0, 1.5], seed=3))
    assert mixed[0] == texts(complete(engine, FRANCE))[0]


def test_each_answer_keeps_to_its_own_grammar(engine: Server) -> None:
    grammars = ['root ::= "wave" " " "twice"', None, 'root ::= ("no" | "never") "!"']
    answers = complete(engine, [FRANCE] * 3, grammar=grammars, max_tokens=12)
    assert texts(answers)[0] == "wave twice"
    assert texts(answers)[1].startswith(" Paris")
    assert texts(answers)[2] in ("no!", "never!")
    assert [choice["finish_reason"] for choice in answers["choices"]] == ["stop", "length", "stop"]


@pytest.mark.parametrize("temperature", [0, 1.5])
def test_what_it_writes_within_our_grammar_is_a_program(engine: Server, temperature: float) -> None:
    scene = Scene(objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0])])
    conversation = [{"role": "user", "content": "Wave and say hello."}]
    fields = {"temperature": temperature, "seed": 1, "max_tokens": 200, "grammar": build_gbnf(NAO, scene)}
    status, document = engine.post("/v1/chat/completions", messages=conversation, **fields)
    assert status == 200, document
    # Cut off at its tokens, it may end within a statement; what came before has to be right.
    items = ProgramReader(NAO, scene).feed(document["choices"][0]["message"]["content"] + "\n")
    assert any(isinstance(item, Statement | Refusal) for item in items), document


def test_hanging_up_stops_the_batch(engine: Server) -> None:
    finished = metric(engine, "static_batch_completion_tokens_total")
    with engine.stream("/v1/completions", prompt=PROMPTS[1:], max_tokens=1000, temperature=0) as events:
        next(events)
        assert metric(engine, "static_batch_prompts_running") == 2
    wait_for(lambda: metric(engine, "static_batch_prompts_running") == 0)
    assert metric(engine, "static_batch_completion_tokens_total") == finished


def test_a_full_queue_refuses_at_once_and_takes_more_later(engine: Server) -> None:
    with ThreadPoolExecutor() as threads:
        with engine.stream("/v1/completions", prompt=[FRANCE] * 4, max_tokens=1000, temperature=0) as events:
            next(events)  # a full batch runs
            waiting = [threads.submit(complete, engine, [FRANCE] * 4, max_tokens=1) for _ in range(2)]
            wait_for(lambda: metric(engine, "static_batch_prompts_waiting") == 8)
            status, document = engine.post("/v1/completions", prompt=FRANCE)
        assert status == 429
        assert "8 prompts wait and 8 may (STATIC_BATCH_MAX_QUEUED)" in document["error"]["message"]
        assert [len(texts(each.result())) for each in waiting] == [4, 4]


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"prompt": "word " * 600}, 400, "tokens, at most 512 are taken"),
        ({"prompt": "a", "max_tokens": 100_000}, 400, "the model's context is 8192"),
        ({"prompt": ["a"] * 9}, 400, "9 prompts in one request, 8 may be"),
        ({"prompt": "a", "grammar": "this is no grammar"}, 400, "grammar: "),
        ({"prompt": ""}, 400, "prompt 0 is empty"),
        ({"prompt": "a", "temperature": "hot"}, 400, "temperature: "),
        ({"prompt": "a", "model": "large"}, 404, "there is no model large here, only small"),
    ],
)
def test_what_cannot_be_done_is_told(engine: Server, fields: dict[str, object], status: int, message: str) -> None:
    answered, document = engine.post("/v1/completions", **fields)
    assert answered == status
    assert message in document["error"]["message"]
    assert document["error"]["code"] == status


def test_sigterm_ends_it_with_0_though_it_generates(engines_python: str, model_folder: Path, tmp_path: Path) -> None:
    with (
        serving(engines_python, MODULE, PREFIX, tmp_path / "log", 120, model=model_folder) as engine,
        engine.stream("/v1/completions", prompt=FRANCE, max_tokens=1000, temperature=0) as events,
    ):
        next(events)
        engine.process.send_signal(signal.SIGTERM)
        assert engine.process.wait(10) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "STATIC_BATCH_MODEL is not set"),
        ({"STATIC_BATCH_MODEL": "x", "STATIC_BATCH_MAX_BATCH": "0"}, "STATIC_BATCH_MAX_BATCH=0 is not valid"),
        ({"STATIC_BATCH_MODEL": "/no/such/model", "STATIC_BATCH_PORT": "0"}, "/no/such/model cannot be loaded"),
    ],
)
def test_why_it_does_not_start_is_told_in_one_line(engines_python: str, settings: dict[str, str], message: str) -> None:
    ended = subprocess.run(
        [engines_python, "-m", MODULE], env={**environ(), **settings}, stderr=subprocess.PIPE, text=True, timeout=60
    )
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("engine: ")
    assert message in last
