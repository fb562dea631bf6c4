"""The payloads of an event stream do not depend on where the network cut it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.backends.sse import MAX_LINE_BYTES, DataLines, LineTooLong

STREAM = (
    ": keep-alive\r\n\r\n"
    'data: {"text": "naïve 機器人"}\r\n\r\n'
    "event: x\nid: 7\nretry: 10\n"
    'data:{"text":"no space"}\n\n'
    "data: one\ndata: two\n\n"
    "database: not data\n"
    "data: [DONE]"
).encode()
PAYLOADS = ['{"text": "naïve 機器人"}', '{"text":"no space"}', "one", "two", "[DONE]"]


@given(cuts=st.lists(st.integers(0, len(STREAM))))
def test_payloads_are_the_same_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    lines = DataLines()
    payloads = [payload for start, end in pairwise(edges) for payload in lines.feed(STREAM[start:end])]
    assert [payload.decode() for payload in [*payloads, *lines.close()]] == PAYLOADS


def test_an_endless_line_is_refused() -> None:
    lines = DataLines()
    lines.feed(b"data: ")
    with pytest.raises(LineTooLong):
        lines.feed(b"x" * MAX_LINE_BYTES)
