"""What servers of OpenAI's API would trip over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.router.openai import MAX_GRAMMAR_NESTING, mend_request
from services.router.problems import Problem


def mended(document: Any) -> Any:
    return json.loads(mend_request(json.dumps(document).encode()))


def test_what_holds_nothing_of_the_kind_stays_as_it_is_to_the_byte() -> None:
    body = b'{ "messages": [{"role": "user", "content": "so , what?"}] }'
    assert mend_request(body) is body


@pytest.mark.parametrize("body", [b"null", b"[null]", b'{"a": null', b'"null"', b"\xff null"])
def test_what_is_no_object_is_left_for_the_server_to_judge(body: bytes) -> None:
    assert mend_request(body) == body


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


def test_a_grammar_that_nests_too_deep_is_refused() -> None:
    def nested(depth: int) -> dict[str, str]:
        return {"grammar": f'root ::= {"(" * depth}"a"{")" * depth}'}

    assert mended(nested(MAX_GRAMMAR_NESTING)) == nested(MAX_GRAMMAR_NESTING)
    with pytest.raises(Problem, match="more than 200 deep"):
        mended(nested(MAX_GRAMMAR_NESTING + 1))
