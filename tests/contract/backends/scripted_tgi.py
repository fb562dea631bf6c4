"""What the stand-in for TGI says, written from the source of TGI 3.3.

tgi_openapi.json has the parts that we use of the contract that TGI publishes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from scripted_llm import Script
from scripted_llm import play as play_any


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says of a schema that it may be null where JSON Schema lists null among its types."""
    if isinstance(node, list):
        return [_as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    schema = {key: _as_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") is True else schema


COMPONENTS = _as_json_schema(json.loads((Path(__file__).parent / "tgi_openapi.json").read_text())["components"])


def check(name: str, document: dict[str, Any]) -> None:
    """Fail unless the document is what TGI's contract says, and has no key that TGI would ignore."""
    Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}).validate(document)
    assert document.keys() <= COMPONENTS["schemas"][name]["properties"].keys()


def play(script: Script, test: Any, **settings: object) -> None:
    play_any(script, test, "tgi", **settings)


def token(text: str, special: bool = False, **last: Any) -> str:
    """An event of ``/generate_stream``; the last one has generated_text and details."""
    told = {"id": 7, "text": text, "logprob": -0.5, "special": special}
    document = {"index": 1, "token": told, "generated_text": None, "details": None, **last}
    check("StreamResponse", document)
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n"


def ended(reason: str) -> dict[str, Any]:
    details = {"finish_reason": reason, "generated_tokens": 3, "seed": None, "input_length": 5}
    return {"generated_text": "the whole text", "details": details}


def chunk(content: str = "", reason: str | None = None, usage: tuple[int, int] | None = None) -> str:
    """An event of ``/v1/chat/completions``; the one with the usage has no choices."""
    choice = {"index": 0, "delta": {"role": "assistant", "content": content}, "logprobs": None, "finish_reason": reason}
    document: dict[str, Any] = {
        "object": "chat.completion.chunk",
        "id": "",
        "created": 1,
        "model": "tiny",
        "system_fingerprint": "3.3.6-dev0-native",
        "choices": [choice],
        "usage": None,
    }
    if usage is not None:
        prompt, completion = usage
        counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        document |= {"choices": [], "usage": counts}
    check("ChatCompletionChunk", {key: value for key, value in document.items() if key != "object"})
    return f"data: {json.dumps(document)}\n\n"


DONE = "data: [DONE]\n\n"
