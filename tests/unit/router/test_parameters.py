"""Parameters that a server would ignore: refused by their names, whichever server it is."""

from __future__ import annotations

import time
from typing import Any

import pytest

from services.backends.config import load_backends
from services.router.doors import Door
from services.router.parameters import check_names
from services.router.problems import Problem

CHAT: Door = "/v1/chat/completions"
TEXT: Door = "/v1/completions"


def check(backend: str, door: Door, **parameters: Any) -> None:
    check_names(load_backends({"BACKEND": backend}).configured[backend], door, parameters)


def refused(backend: str, door: Door, **parameters: Any) -> dict[str | None, str]:
    with pytest.raises(Problem) as caught:
        check(backend, door, **parameters)
    assert caught.value.status == 422
    assert caught.value.errors is not None
    for error in caught.value.errors[:3]:
        assert f"{error.pointer}: {error.detail}" in caught.value.detail
    return {error.pointer: error.detail for error in caught.value.errors}


NO_SUCH = "There is no such field; remove it"
CANNOT = "this backend cannot do that; leave it out, or choose another backend with X-Backend"


@pytest.mark.parametrize("backend", ["llamacpp", "vllm", "tgi"])
@pytest.mark.parametrize("door", [CHAT, TEXT])
def test_a_name_that_the_server_does_not_know_is_refused(backend: str, door: Door) -> None:
    assert refused(backend, door, frobnicate=1) == {"/frobnicate": NO_SUCH}
    assert refused(backend, door, frobnicate=None) == {"/frobnicate": NO_SUCH}


@pytest.mark.parametrize(
    ("backend", "door", "name", "meant"),
    [
        ("llamacpp", CHAT, "max_token", "max_tokens"),
        ("llamacpp", TEXT, "max_token", "max_tokens"),
        ("llamacpp", CHAT, "temprature", "temperature"),
        ("vllm", CHAT, "structured_output", "structured_outputs"),
        ("tgi", CHAT, "topp", "top_p"),
    ],
)
def test_a_misspelt_name_is_told_what_it_is_like(backend: str, door: Door, name: str, meant: str) -> None:
    assert refused(backend, door, **{name: 1}) == {f"/{name}": f"There is no such field; did you mean {meant}?"}


@pytest.mark.parametrize(
    ("backend", "door", "parameters"),
    [
        ("llamacpp", TEXT, {"best_of": 3}),
        ("llamacpp", TEXT, {"echo": True}),
        ("llamacpp", TEXT, {"suffix": "."}),
        ("llamacpp", CHAT, {"functions": [{"name": "wave"}]}),
        ("llamacpp", CHAT, {"modalities": ["text", "audio"]}),
        ("vllm", TEXT, {"best_of": 2}),
        ("transformers", CHAT, {"n": 2}),
        ("transformers", CHAT, {"max_completion_tokens": 5}),
        ("transformers", TEXT, {"echo": True}),
        ("tgi", CHAT, {"logit_bias": {"1": 2}}),
        ("tgi", TEXT, {"n": 2}),
    ],
)
def test_what_a_server_knows_of_but_does_not_do_is_refused(backend: str, door: Door, parameters: Any) -> None:
    assert refused(backend, door, **parameters) == {f"/{name}": CANNOT for name in parameters}


@pytest.mark.parametrize(
    ("backend", "door", "parameters"),
    [
        ("llamacpp", TEXT, {"prompt": "a", "best_of": 1, "echo": False, "suffix": None, "n": 2, "logprobs": 5}),
        ("llamacpp", CHAT, {"messages": [], "modalities": ["text"], "user": "me", "store": True, "metadata": {}}),
        ("llamacpp", CHAT, {"grammar": "", "cache_prompt": False, "id_slot": 1, "lora": [], "mirostat": 2}),
        ("llamacpp", CHAT, {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "top_logprobs": 2}),
        ("vllm", CHAT, {"structured_outputs": {}, "chat_template_kwargs": {}, "n": 2, "echo": True}),
        ("transformers", CHAT, {"n": 1, "stream_options": {"include_usage": True}, "user": "me"}),
        ("transformers", CHAT, {"frobnicate": 1}),  # it refuses what it does not know by itself
        ("deepspeed", CHAT, {"frobnicate": 1}),  # likewise
        ("tgi", CHAT, {"model": "tgi", "n": 1, "presence_penalty": 0.5, "max_completion_tokens": 5}),
        ("tgi", TEXT, {"n": 1, "presence_penalty": 0, "frequency_penalty": 1}),
        ("tgi", "/generate", {"inputs": "a", "parameters": {"max_new_tokens": 5, "details": True, "seed": None}}),
        ("tgi", "/", {"inputs": "a", "stream": True, "parameters": None}),
    ],
)
def test_what_a_server_takes_or_what_changes_nothing_goes_through(backend: str, door: Door, parameters: Any) -> None:
    check(backend, door, **parameters)


@pytest.mark.parametrize("door", ["/generate", "/generate_stream", "/"])
def test_tgi_s_parameters_are_looked_at_too(door: Door) -> None:
    wrong = {"max_new_token": 5, "frobnicate": 1}
    assert refused("tgi", door, inputs="a", parameter={}, parameters=wrong) == {
        "/parameter": "There is no such field; did you mean parameters?",
        "/parameters/max_new_token": "There is no such field; did you mean max_new_tokens?",
        "/parameters/frobnicate": NO_SUCH,
    }


def test_of_many_and_long_names_so_many_are_told_as_are_read() -> None:
    problem = refused("llamacpp", CHAT, **{f"{at:04}" * 5000: 1 for at in range(1000)})
    assert len(problem) == 20
    assert all(len(pointer or "") == 200 for pointer in problem)


def test_a_body_of_nothing_but_slips_is_refused_at_once() -> None:
    slips = {f"max_tokens{at}": 1 for at in range(100_000)}
    began = time.process_time()
    refused("llamacpp", CHAT, **slips)
    assert time.process_time() - began < 2  # looking for what each of them is like takes minutes


def test_a_name_is_a_json_pointer() -> None:
    assert refused("llamacpp", CHAT, **{"a/b~c": 1}) == {"/a~1b~0c": NO_SUCH}
