"""Requests in OpenAI's shape as the servers that speak it take them: what they would trip over is mended or refused.

Only bodies that may hold such a thing are parsed at all; every other goes through byte for byte.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json, to_json

from services.router.problems import Problem

#: llama.cpp's parser of grammars calls itself for each group in a group, until the process is out of stack.
MAX_GRAMMAR_NESTING = 200


def mend_request(body: bytes) -> bytes:
    """The body without fields that are null, which means unset, and which llama.cpp takes for a wrong type.

    Raises Problem 422 for a grammar that would end the server.
    """
    if b"null" not in body and b'"grammar"' not in body:
        return body
    try:
        document = from_json(body)
    except ValueError:
        return body  # for the server to judge
    if not isinstance(document, dict):
        return body
    if isinstance(grammar := document.get("grammar"), str) and _nesting(grammar) > MAX_GRAMMAR_NESTING:
        raise Problem(
            422,
            "grammar-too-deep",
            f"The grammar has groups within groups more than {MAX_GRAMMAR_NESTING} deep; give them rules of their own.",
        )
    if b"null" not in body:
        return body
    messages = document.get("messages")
    if isinstance(messages, list):
        # A message of tool calls has the content null, and has to.
        document["messages"] = [_without_nulls(message, kept="content") for message in messages]
    return to_json(_without_nulls(document))


def _without_nulls(value: Any, kept: str = "") -> Any:
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in value.items() if item is not None or name == kept}


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
