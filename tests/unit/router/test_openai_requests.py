"""What servers of OpenAI's API would trip over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.backends.config import load_backends
from services.behavior.catalogue import load_catalogue
from services.behavior.grammar import build_gbnf
from services.router.doors import Door
from services.router.openai import MAX_GRAMMAR_NESTING, mend_request, with_adapters
from services.router.problems import Problem

CHAT: Door = "/v1/chat/completions"
LLAMACPP = load_backends({}).configured["llamacpp"]


def mended(document: Any) -> Any:
    return json.loads(mend_request(LLAMACPP, CHAT, json.dumps(document).encode()))


def test_what_holds_nothing_of_the_kind_stays_as_it_is_to_the_byte() -> None:
    body = b'{ "messages": [{"role": "user", "content": "so , what?"}] }'
    assert mend_request(LLAMACPP, CHAT, body) is body


@pytest.mark.parametrize("body", [b"null", b"[null]", b'"null"', b"1"])
def test_what_is_no_object_is_left_for_the_server_to_judge(body: bytes) -> None:
    assert mend_request(LLAMACPP, CHAT, body) == body


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b'\xef\xbb\xbf{"n": 1}', b'{"x": ' + b"[" * 300 + b"]" * 300 + b', "grammar": "root ::= a"}'],
)
def test_what_cannot_be_parsed_is_refused(body: bytes) -> None:
    with pytest.raises(Problem, match="not JSON that can be read") as refused:
        mend_request(LLAMACPP, CHAT, body)
    assert refused.value.status == 400


def test_null_means_unset() -> None:
    message = {"role": "user", "content": "null", "name": None, "tool_calls": None}
    schema = {"enum": [None, 1], "default": None}
    sent = {"messages": [message], "seed": None, "response_format": {"schema": schema}}
    assert mended(sent) == {
        "messages": [{"role": "user", "content": "null"}],
        "response_format": {"schema": schema},
    }


def test_a_message_of_tool_calls_keeps_its_content() -> None:
    sent = {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]}
    assert mended(sent) == sent


FUNCTION = {"name": "wave", "description": "Wave", "parameters": {"type": "object"}, "strict": True}


@pytest.mark.parametrize(
    "tools",
    [
        [],
        None,
        [{"type": "function", "function": FUNCTION}],
        [{"type": "function", "function": {"name": "wave"}}],
        [{"type": "custom", "custom": {"name": "free", "format": {"type": "text"}}}],
        [{"type": "of-tomorrow", "of": "no concern"}],
    ],
)
def test_tools_pass(tools: Any) -> None:
    body = json.dumps({"messages": [], "tools": tools}).encode()
    assert json.loads(mend_request(LLAMACPP, CHAT, body)).get("tools") == tools


@pytest.mark.parametrize(
    ("tools", "pointer"),
    [
        ("wave", "/tools"),
        ({}, "/tools"),
        ([1], "/tools/0"),
        ([{"type": "function", "function": FUNCTION}, None], "/tools/1"),
        ([{}], "/tools/0/type"),
        ([{"type": 1}], "/tools/0/type"),
        ([{"type": "function"}], "/tools/0"),
        ([{"type": "function", "function": None}], "/tools/0"),
        ([{"type": "function", "function": "wave"}], "/tools/0/function"),
        ([{"type": "function", "function": {}}], "/tools/0/function/name"),
        ([{"type": "function", "function": {"name": "wave", "description": 1}}], "/tools/0/function/description"),
    ],
)
def test_tools_that_are_none_are_named(tools: Any, pointer: str) -> None:
    with pytest.raises(Problem, match=f"does not fit: {pointer}: ") as refused:
        mended({"messages": [], "tools": tools})
    assert refused.value.status == 422
    assert refused.value.errors is not None
    assert refused.value.errors[0].pointer == pointer


def test_a_function_without_a_description_may_say_so() -> None:
    sent = {"messages": [], "tools": [{"type": "function", "function": FUNCTION | {"description": None}}]}
    described = {name: part for name, part in FUNCTION.items() if name != "description"}
    assert mended(sent)["tools"] == [{"type": "function", "function": described}]


def test_a_grammar_that_nests_too_deep_is_refused() -> None:
    assert mended({"grammar": nested_groups(MAX_GRAMMAR_NESTING)}) == {"grammar": nested_groups(MAX_GRAMMAR_NESTING)}
    with pytest.raises(Problem, match="more than 200 deep"):
        mended({"grammar": nested_groups(MAX_GRAMMAR_NESTING + 1)})


def test_the_grammar_for_a_robot_passes() -> None:
    asked = {"grammar": build_gbnf(load_catalogue("nao")), "response_format": {"type": "text"}}
    assert mended(asked) == asked


def nested_groups(depth: int) -> str:
    return f'root ::= {"(" * depth}"a"{")" * depth}'


def nested_schema(depth: int) -> dict[str, Any]:
    return {"type": "array", "items": nested_schema(depth - 1)} if depth else {"type": "string"}


def chain(rules: int) -> str:
    return "\n".join(["root ::= r0", *(f"r{at} ::= r{at + 1}" for at in range(rules)), f'r{rules} ::= "a"'])


@pytest.mark.parametrize(
    "constraint",
    [
        {"grammar": nested_groups(500)},
        {"grammar": chain(100_000)},
        {"grammar": "root ::= " + '"a"?' * 10_000},
        {"grammar": "root ::= " + '"a"{0,1999}' * 10},
        {"json_schema": nested_schema(300)},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": nested_schema(300)}}},
        {"response_format": {"type": "json_object", "schema": {"type": "string", "pattern": "(" * 300 + ")" * 300}}},
        {"json_schema": {"oneOf": [{"$ref": f"#/$defs/d{at}"} for at in range(2000)]}},
        {"json_schema": {"properties": {f"p{at}": {"type": "string"} for at in range(2000)}}},
        {"json_schema": {"properties": {"p" * 2000: {"type": "string"}}}},
        {"tools": [{"type": "function", "function": {"name": "a", "parameters": nested_schema(300)}}]},
    ],
)
@pytest.mark.parametrize("escaped", [False, True])
def test_what_would_take_all_of_a_servers_stack_is_refused(constraint: dict[str, Any], escaped: bool) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "(((("}], **constraint})
    if escaped:
        for name in constraint:
            body = body.replace(f'"{name}"', f'"{name[:-1]}\\u00{ord(name[-1]):x}"')
        assert not {*json.loads(body)} ^ {"messages", *constraint}
    with pytest.raises(Problem) as refused:
        mend_request(LLAMACPP, CHAT, body.encode())
    assert refused.value.code in ("grammar-too-large", "invalid-json")


def test_a_text_may_be_as_it_likes() -> None:
    sent = {"messages": [{"role": "user", "content": "(" * 300_000}], "seed": 1, "grammar": 'root ::= "a"'}
    assert mended(sent) == sent


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b'{"n":1}', {"n": 1, "lora": [{"id": 0, "scale": 0.0}]}),
        (b" {\n}", {"lora": [{"id": 0, "scale": 0.0}]}),
        (b'{"lora": [{"id": 0, "scale": 1}]}', {"lora": [{"id": 0, "scale": 1}]}),
        (b"[1]", [1]),
    ],
)
def test_a_client_of_llama_cpp_gets_the_model_as_it_is_unless_it_asks_for_an_adapter(body: bytes, sent: Any) -> None:
    config = load_backends({"LLAMACPP_TUNED": "nao=0"}).configured["llamacpp"]
    assert json.loads(with_adapters(config, body)) == sent


@pytest.mark.parametrize("environ", [{}, {"BACKEND": "vllm", "VLLM_TUNED": "nao=nao"}])
def test_servers_that_keep_no_adapter_on_are_told_nothing(environ: dict[str, str]) -> None:
    (config,) = load_backends(environ).configured.values()
    assert with_adapters(config, b'{"n": 1}') == b'{"n": 1}'


SEEN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


@pytest.mark.parametrize("at", [0, 1])
def test_an_image_for_a_model_that_takes_none_is_refused_by_its_place(at: int) -> None:
    content = [{"type": "text", "text": "What is this?"}] * at + [SEEN]
    with pytest.raises(
        Problem, match=f"/messages/1/content/{at}: The model behind llamacpp takes no images"
    ) as refused:
        mended({"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": content}]})
    assert refused.value.status == 422
    assert refused.value.errors is not None
    assert refused.value.errors[0].pointer == f"/messages/1/content/{at}"


def test_a_model_that_sees_gets_its_image() -> None:
    config = load_backends({"LLAMACPP_VISION": "true"}).configured["llamacpp"]
    body = json.dumps({"messages": [{"role": "user", "content": [SEEN]}]}).encode()
    assert mend_request(config, CHAT, body) is body
