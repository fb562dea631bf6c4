"""Requests in OpenAI's shape as the servers that speak it take them: what they would trip over is mended or refused.

Every body is parsed, for its names; one that needs no mending goes through byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Self

from pydantic import BaseModel, ValidationError, model_validator
from pydantic_core import from_json, to_json

from services.backends.config import BackendConfig
from services.router.doors import Door
from services.router.parameters import check_names
from services.router.problems import Problem, from_validation, invalid

# llama.cpp turns grammars, and schemas into grammars, by functions that call themselves, until the process is out of
# stack: for each group in a group, each rule that begins with another, each property of an object and each reference.
#: How deep groups may lie in groups; documents that lie deeper than about so much are not parsed here at all.
MAX_GRAMMAR_NESTING = 200
MAX_GRAMMAR_CHARACTERS = 256 * 1024
#: Rules that are written, and those that llama.cpp makes of groups and repetitions.
MAX_GRAMMAR_RULES = 5_000
#: Members of one object of a schema, characters of a member's name, and references in the whole.
MAX_SCHEMA_PARTS = 1_000

#: Text and numbers of any size that no grammar is made of.
_FREE = frozenset({"messages", "model", "prompt", "suffix", "stop", "prediction", "logit_bias"})
#: A grammar's or pattern's ``{n}``, ``{n,}``, ``{,n}`` and ``{m,n}``; llama.cpp itself refuses more than thousands.
_REPEATED = re.compile(r"\{\s*(\d{0,9})\s*,?\s*(\d{0,9})\s*\}")


class _Function(BaseModel):
    name: str
    description: str | None = None


class _Tool(BaseModel):
    type: str
    function: _Function | None = None

    @model_validator(mode="after")
    def _says_which_function(self) -> Self:
        if self.type == "function" and self.function is None:
            raise ValueError('A tool of the type "function" needs the field function')
        return self


class _Tools(BaseModel):
    """As much of the tools as llama.cpp answers with 500 where it is otherwise."""

    tools: list[_Tool] | None


def with_adapters(config: BackendConfig, body: bytes) -> bytes:
    """The body with llama.cpp's adapters switched off, if the server has any and the client does not say otherwise."""
    rest = body.lstrip()
    if config.adapters_by != "number" or not config.tuned or not rest.startswith(b"{") or b'"lora"' in body:
        return body
    member = b'"lora":' + to_json(config.numbered_adapters(None))
    return b"{" + member + (b"" if rest[1:].lstrip().startswith(b"}") else b",") + rest[1:]


def mend_request(config: BackendConfig, door: Door, body: bytes) -> bytes:
    """The body without fields that are null, which means unset, and which llama.cpp takes for a wrong type.

    Raises Problem 400 for a body that cannot be parsed, 422 for parameters that the server would ignore, for an image
    that llama.cpp cannot see, for tools that are none, and for a grammar or a schema that would end the server.
    """
    try:
        document = from_json(body)
    except ValueError as error:
        raise Problem(400, "invalid-json", f"The body is not JSON that can be read: {error}.") from None
    if not isinstance(document, dict):
        return body  # for the server to judge
    check_names(config, door, document)
    if config.name == "llamacpp" and not config.vision:  # which answers with 500; the others say what is wrong
        _refuse_images(config, document)
    for name, value in document.items():
        if name not in _FREE:
            _judge(name, value)
    if "tools" in document:
        _check_tools(document["tools"])
    if b"null" not in body:
        return body
    if tools := document.get("tools"):
        document["tools"] = [{name: _without_nulls(part) for name, part in tool.items()} for tool in tools]
    messages = document.get("messages")
    if isinstance(messages, list):
        # A message of tool calls has the content null, and has to.
        document["messages"] = [_without_nulls(message, kept="content") for message in messages]
    return to_json(_without_nulls(document))


def _refuse_images(config: BackendConfig, document: dict[str, Any]) -> None:
    messages = document.get("messages")
    for at, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        for place, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, dict) and part.get("type") == "image_url":
                raise invalid(
                    f"/messages/{at}/content/{place}",
                    f"/messages/{at}/content/{place}: The model behind {config.name} takes no images; leave the image "
                    "out, or choose another backend with X-Backend.",
                )


def _without_nulls(value: Any, kept: str = "") -> Any:
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in value.items() if item is not None or name == kept}


def _check_tools(tools: Any) -> None:
    try:
        _Tools.model_validate_json(to_json({"tools": tools}))
    except ValidationError as error:
        raise from_validation(error) from None


def _judge(field: str, value: Any) -> None:
    """Raise Problem 422 if a field holds a grammar, a pattern or a schema that takes more stack than there is.

    Every text is taken for a grammar: which one is none, only the server knows.
    """
    references = 0
    for part in _parts(value):
        if isinstance(part, str):
            if part.count("(") > MAX_GRAMMAR_NESTING and _nesting(part) > MAX_GRAMMAR_NESTING:
                raise _too_much(
                    field,
                    f"has groups within groups more than {MAX_GRAMMAR_NESTING} deep; give them rules of their own",
                )
            if len(part) > MAX_GRAMMAR_CHARACTERS or _rules(part) > MAX_GRAMMAR_RULES:
                raise _too_much(
                    field,
                    f"has more than {MAX_GRAMMAR_CHARACTERS} characters, or makes more than {MAX_GRAMMAR_RULES} rules "
                    "with its groups and repetitions",
                )
        else:
            references += "$ref" in part
            if max(references, len(part), max(map(len, part), default=0)) > MAX_SCHEMA_PARTS:
                raise _too_much(
                    field,
                    f"has more than {MAX_SCHEMA_PARTS} members in an object, characters in a name, or references",
                )


def _parts(value: Any) -> Iterator[str | dict[str, Any]]:
    """Every text and every object in a JSON value."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str | dict):
            yield value
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value


def _too_much(field: str, fault: str) -> Problem:
    return Problem(422, "grammar-too-large", f"{field} {fault}; ask for less.")


def _rules(grammar: str) -> int:
    """How many rules it makes at most; signs in literals and classes count too, which errs on the safe side."""
    repeated = sum(int(number or 0) for pair in _REPEATED.findall(grammar) for number in pair)
    return repeated + sum(grammar.count(sign) for sign in ("::=", "(", "?", "*", "+"))


def _nesting(grammar: str) -> int:
    """How deep its groups go; brackets in literals and classes count too, which errs on the safe side."""
    depth = deepest = 0
    for character in grammar:
        if character == "(":
            depth += 1
            deepest = max(deepest, depth)
        elif character == ")":
            depth = max(0, depth - 1)
    return deepest
