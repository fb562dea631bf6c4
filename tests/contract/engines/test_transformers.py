"""What Transformers' own server does, with continuous batching and without: what the adapter has to live with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from engine_process import Server, environ, serving

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]

MODULE, PREFIX = "services.engines.transformers", "TRANSFORMERS_"
CHAT = "/v1/chat/completions"
FRANCE = [{"role": "user", "content": "What is the capital of France?"}]
ANSWER = "The capital of France is Paris."
COUNT = [{"role": "user", "content": "Count to one thousand in words, one by one, please."}]
CONTINUOUS, ONE_BY_ONE = True, False


@pytest.fixture(scope="module", params=[CONTINUOUS, ONE_BY_ONE], ids=["continuous", "one_by_one"])
def engine(
    request: pytest.FixtureRequest, engines_python: str, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("engine") / "transformers.log"
    # On a CPU, where memory is taken as it is asked for, the blocks are counted out: 8192 tokens.
    settings = {"continuous_batching": request.param, "num_blocks": 256, "model": model_folder}
    with serving(engines_python, MODULE, PREFIX, log, 120, **settings) as it:
        ask(it)
        yield it


def is_continuous(request: pytest.FixtureRequest) -> bool:
    return bool(request.node.callspec.params["engine"])


def ask(engine: Server, **fields: object) -> Any:
    status, document = engine.post(CHAT, **{"messages": FRANCE, "max_tokens": 16, "temperature": 0, **fields})
    assert status == 200, document
    return document


def content(document: Any) -> str:
    text: str = document["choices"][0]["message"]["content"]
    return text


def cpu_s(engine: Server) -> float:
    """Processor time that the engine has used so far."""
    fields = Path(f"/proc/{engine.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_it_answers_like_openai(engine: Server, model_folder: Path) -> None:
    document = ask(engine)
    assert content(document) == ANSWER
    assert document["choices"][0]["finish_reason"] == "stop"
    assert document["usage"] == {"prompt_tokens": 37, "completion_tokens": 8, "total_tokens": 45}
    assert document["model"] == f"{model_folder}@main"
    assert ask(engine, max_tokens=3)["choices"][0]["finish_reason"] == "length"


def test_a_stream_ends_without_done_but_with_usage(engine: Server) -> None:
    with engine.stream(
        CHAT, messages=FRANCE, max_tokens=16, temperature=0, stream_options={"include_usage": True}
    ) as it:
        first, *middle, last = list(it)
    assert first["choices"][0]["delta"] == {"role": "assistant"}
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in middle) == ANSWER
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"]["completion_tokens"] == 8


def test_the_model_need_not_be_named_but_must_be_this_one(engine: Server, model_folder: Path) -> None:
    ask(engine, model=str(model_folder), max_tokens=1)
    status, document = engine.post(CHAT, model="other", messages=FRANCE)
    assert status == 400
    assert "Server is pinned to" in document["detail"]


def test_stop_strings_count_only_without_continuous_batching(engine: Server, request: pytest.FixtureRequest) -> None:
    document = ask(engine, stop=["France"])
    # The stop string itself is a part of the answer, unlike with other servers.
    assert content(document) == (ANSWER if is_continuous(request) else "The capital of France")


def test_a_temperature_alone_does_not_sample(engine: Server) -> None:
    # Sampling is switched on by the model's own generation_config, and this model's does not.
    assert content(ask(engine, temperature=2.0)) == ANSWER


def test_with_continuous_batching_the_first_request_decides_how_all_are_sampled(
    engine: Server, request: pytest.FixtureRequest
) -> None:
    sampled = {"messages": COUNT, "max_tokens": 12, "temperature": 2.0}
    config = json.dumps({"do_sample": True})
    first, again, other = (content(ask(engine, **sampled, seed=seed, generation_config=config)) for seed in (5, 5, 6))
    assert first == again
    if is_continuous(request):
        assert first == other == content(ask(engine, messages=COUNT, max_tokens=12))
    else:
        assert first != other


@pytest.mark.parametrize("field", ["grammar", "top_k", "guided_grammar"])
def test_fields_that_it_does_not_know_are_refused(engine: Server, field: str) -> None:
    status, document = engine.post(CHAT, messages=FRANCE, **{field: 'root ::= "x"'})
    assert status == 422
    assert f"Unexpected fields in the request: {{'{field}'}}" in document["detail"]


def test_max_completion_tokens_is_ignored(engine: Server) -> None:
    status, document = engine.post(CHAT, messages=FRANCE, temperature=0, max_completion_tokens=2)
    assert status == 200
    assert content(document) == ANSWER


def test_completions_take_one_prompt(engine: Server) -> None:
    status, document = engine.post("/v1/completions", prompt="The capital of France is", max_tokens=2, temperature=0)
    assert status == 200
    assert document["choices"][0]["text"].startswith(" Paris")
    status, document = engine.post("/v1/completions", prompt=["one", "two"], max_tokens=2)
    assert (status, document["detail"]) == (400, "prompt must be a string.")


def test_it_has_no_metrics_and_no_list_of_models(engine: Server) -> None:
    assert engine.get("/metrics")[0] == 404
    assert engine.get("/v1/models")[0] == 500  # it looks through the hub's cache, which a model in a folder needs not


def test_many_at_once_are_all_answered(engine: Server) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: content(ask(engine)), range(8)))
    assert answers == [ANSWER] * 8


def test_hanging_up_stops_the_generation(engine: Server) -> None:
    with engine.stream(CHAT, messages=COUNT, max_tokens=2000, temperature=0) as events:
        next(events)
        next(events)
    deadline = time.monotonic() + 60
    while True:
        used = cpu_s(engine)
        time.sleep(1)  # a second without work is what is waited for
        if cpu_s(engine) - used < 0.2:
            break
        assert time.monotonic() < deadline, "it went on for nobody"


def test_sigterm_ends_it(engines_python: str, model_folder: Path, tmp_path: Path) -> None:
    with serving(engines_python, MODULE, PREFIX, tmp_path / "log", 120, model=model_folder, num_blocks=256) as engine:
        ask(engine)
        engine.process.send_signal(signal.SIGTERM)
        assert engine.process.wait(30) in (0, -signal.SIGTERM)


def test_a_wrong_setting_is_told_in_one_line(engines_python: str) -> None:
    env = environ(TRANSFORMERS_MODEL="x", TRANSFORMERS_CONTINUOUS_BATCHING="perhaps")
    ended = subprocess.run([engines_python, "-m", MODULE], env=env, stderr=subprocess.PIPE, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.startswith("engine: TRANSFORMERS_CONTINUOUS_BATCHING=perhaps is not valid")
