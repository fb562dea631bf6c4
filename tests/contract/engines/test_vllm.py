"""vLLM's own server on a CPU: what the adapter relies on, our grammar above all."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from engine_process import Server, environ, serving

from services.behavior.catalogue import load_catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.program import ProgramReader, Refusal, Statement
from services.behavior.schema import Scene, SceneItem

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]

MODULE, PREFIX = "services.engines.vllm", "VLLM_SERVER_"
CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Wave and say hello."}]
NAO = load_catalogue("nao")
LONG = {"messages": HELLO, "temperature": 0, "max_tokens": 900, "ignore_eos": True}


@pytest.fixture(scope="module")
def engine(vllm_python: str, model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("engine") / "vllm.log"
    settings = {"served_name": "small", "dtype": "bfloat16", "max_model_len": 1024, "gpu_memory_utilization": 0.2}
    settings |= {"max_num_seqs": 2, "max_waiting": 1, "enforce_eager": True, "model": model_folder}
    with serving(vllm_python, MODULE, PREFIX, log, 240, **settings) as it:
        yield it


def ask(engine: Server, **fields: object) -> Any:
    status, document = engine.post(CHAT, **{"messages": HELLO, "max_tokens": 16, "temperature": 0, **fields})
    assert status == 200, document
    return document


def constrained(engine: Server, grammar: str, **fields: object) -> str:
    text: str = ask(engine, structured_outputs={"grammar": grammar}, **fields)["choices"][0]["message"]["content"]
    return text


def metric(engine: Server, name: str) -> float:
    lines = engine.get("/metrics")[1].splitlines()
    return float(next(line.rsplit(" ", 1)[1] for line in lines if line.startswith(f"{name}{{")))


def wait_for(engine: Server, name: str, value: float) -> None:
    deadline = time.monotonic() + 60
    while (now := metric(engine, name)) != value:
        assert time.monotonic() < deadline, f"{name} is {now}, not {value}, for 60 s"
        time.sleep(0.05)


def test_it_serves_the_model_under_our_name(engine: Server) -> None:
    assert '"id":"small"' in engine.get("/v1/models")[1]
    assert ask(engine)["model"] == "small"
    assert engine.post(CHAT, model="other", messages=HELLO)[0] == 404


def test_a_stream_ends_with_usage_and_done(engine: Server) -> None:
    fields = {"messages": HELLO, "max_tokens": 8, "temperature": 0, "stream_options": {"include_usage": True}}
    with engine.stream(CHAT, **fields) as events:
        *chunks, usage, done = list(events)
    assert done == "[DONE]"
    assert usage["usage"]["completion_tokens"] == 8
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"


def test_it_answers_within_a_grammar(engine: Server) -> None:
    assert constrained(engine, 'root ::= "wave" " " "twice"') == "wave twice"


def test_what_it_writes_within_our_grammar_is_a_program(engine: Server) -> None:
    scene = Scene(objects=[SceneItem(name="red ball", position=[0.6, 0.1, 0.0])])
    # Cut off at its tokens, it may end within a statement; what came before has to be right.
    text = constrained(engine, build_gbnf(NAO, scene), max_tokens=200, temperature=1.0, seed=1)
    items = ProgramReader(NAO, scene).feed(text)
    assert any(isinstance(item, Statement | Refusal) for item in items), text


def test_a_grammar_it_has_not_seen_costs_little(engine: Server) -> None:
    def took_s(name: str) -> float:
        grammar = build_gbnf(NAO, Scene(objects=[SceneItem(name=name, position=[0.6, 0.1, 0.0])]))
        began = time.monotonic()
        constrained(engine, grammar, max_tokens=1)
        return time.monotonic() - began

    took_s("first")
    # Every scene has a grammar of its own. Compiled ahead, as by xgrammar, it costs 100 times as much as a known one.
    assert took_s("blue box") < 3 * took_s("blue box") + 1


def test_a_seed_repeats_an_answer(engine: Server) -> None:
    answers = {ask(engine, temperature=1.0, seed=7)["choices"][0]["message"]["content"] for _ in range(2)}
    assert len(answers) == 1


def test_what_is_too_long_is_refused(engine: Server) -> None:
    status, document = engine.post(CHAT, messages=[{"role": "user", "content": "word " * 1200}], max_tokens=8)
    assert status == 400
    assert "maximum context length is 1024" in document["error"]["message"]


def test_what_is_no_grammar_is_refused(engine: Server) -> None:
    grammar = {"grammar": "this is no grammar"}
    assert engine.post(CHAT, messages=HELLO, max_tokens=8, structured_outputs=grammar)[0] == 400


def test_hanging_up_frees_the_place(engine: Server) -> None:
    with engine.stream(CHAT, **LONG) as events:
        next(events)
        wait_for(engine, "vllm:num_requests_running", 1)
    wait_for(engine, "vllm:num_requests_running", 0)


def test_a_full_queue_refuses_at_once(engine: Server) -> None:
    with ThreadPoolExecutor() as threads:
        with engine.stream(CHAT, **LONG) as one, engine.stream(CHAT, **LONG) as two:
            next(one)
            next(two)
            third = threads.submit(ask, engine, max_tokens=1)
            wait_for(engine, "vllm:num_requests_waiting", 1)
            status, document = engine.post(CHAT, messages=HELLO, max_tokens=1)
        assert status == 503, document
        assert third.result()["usage"]["completion_tokens"] == 1


def test_a_wrong_setting_is_told_in_one_line(vllm_python: str) -> None:
    env = environ(VLLM_SERVER_MODEL="x", VLLM_SERVER_MAX_NUM_SEQS="0")
    ended = subprocess.run([vllm_python, "-m", MODULE], env=env, stderr=subprocess.PIPE, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.startswith("engine: VLLM_SERVER_MAX_NUM_SEQS=0 is not valid")


def test_sigterm_ends_it(vllm_python: str, model_folder: Path, tmp_path: Path) -> None:
    settings = {"max_model_len": 1024, "gpu_memory_utilization": 0.2, "enforce_eager": True, "model": model_folder}
    with serving(vllm_python, MODULE, PREFIX, tmp_path / "log", 240, **settings) as engine:
        engine.process.send_signal(signal.SIGTERM)
        assert engine.process.wait(60) == 0
