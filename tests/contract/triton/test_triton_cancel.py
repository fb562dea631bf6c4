"""Requests that end early, and requests that are too many: one slot, so that what holds it is felt by the next."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from typing import Any

import pytest
from running_triton import ANSWER_S, Triton, calling
from tritonclient.utils import InferenceServerException

#: Some 900 tokens: as many as the context has room for.
ENDLESS: dict[str, Any] = {
    "sampling_param_max_tokens": 900,
    "guided_decoding_guide_type": "ebnf_grammar",
    "guided_decoding_guide": 'root ::= ("one ")+',
}
TOKENS_SEEN = 6


@contextmanager
def slot_is_free_within_a_third() -> Iterator[list[float]]:
    """Given the times of some tokens, check that what follows in the block takes less than 300 of the 900 would."""
    times: list[float] = []
    yield times
    took = time.monotonic() - times[-1]
    per_token = (times[-1] - times[0]) / (len(times) - 1)
    assert took < 300 * per_token, f"{took:.2f} s, at {per_token:.4f} s for each token"


def short(triton: Triton) -> None:
    """One token of one more request."""
    assert triton.text("Hello", sampling_param_max_tokens=1)


def test_cancelling_over_grpc_frees_the_slot(one_slot: Triton) -> None:
    with slot_is_free_within_a_third() as times:
        with calling(one_slot, **ENDLESS) as call:
            times += [call.next()[0] for _ in range(TOKENS_SEEN)]
        short(one_slot)


def test_hanging_up_over_http_frees_the_slot(one_slot: Triton) -> None:
    with slot_is_free_within_a_third() as times:
        with closing(one_slot.stream(**ENDLESS)) as events:
            for _ in range(TOKENS_SEEN):
                next(events)
                times.append(time.monotonic())
        short(one_slot)


def test_the_stop_command_frees_the_slot_and_ends_both_requests(one_slot: Triton) -> None:
    with slot_is_free_within_a_third() as times:
        with calling(one_slot, request_id="robot-7", **ENDLESS) as call:
            times += [call.next()[0] for _ in range(TOKENS_SEEN)]
            assert one_slot.generate("", id="robot-7", stop=True) == {"error": "Request cancelled by client"}
            with pytest.raises(InferenceServerException, match="Request cancelled by client"):
                call.all()
        short(one_slot)


def test_a_prompt_is_left_while_it_is_read(one_slot: Triton) -> None:
    short(one_slot)  # the first of all takes longer
    words = 1500  # llama.cpp looks once a second whether who asked is still there: reading them has to take longer
    began = time.monotonic()
    one_slot.text("word " * words, sampling_param_max_tokens=1)
    whole = time.monotonic() - began
    began = time.monotonic()
    with calling(one_slot, request_id="reads", text_input="other " * words) as call:
        with pytest.raises(queue.Empty):  # no token yet: the prompt is being read
            call.arrivals.get(timeout=whole / 10)
        call.send(request_id="reads", stop=True)
        with pytest.raises(InferenceServerException, match="Request cancelled by client"):
            call.next()
    short(one_slot)
    assert time.monotonic() - began < 0.7 * whole


def test_the_stop_command_ends_a_request_that_waits(one_slot: Triton) -> None:
    with calling(one_slot, **ENDLESS) as running:
        running.next()
        with calling(one_slot, request_id="waits") as waiting:
            waiting.send(request_id="waits", stop=True)  # on the same stream, so after what it stops
            for _ in range(2):
                with pytest.raises(InferenceServerException, match="Request cancelled by client"):
                    waiting.next()
        assert not running.next()[1]["final"]


def test_stopping_an_unknown_request_disturbs_no_other(one_slot: Triton) -> None:
    with calling(one_slot, request_id="mine", sampling_param_max_tokens=40) as call:
        call.next()
        assert one_slot.generate("", id="another's", stop=True) == {"error": "Request cancelled by client"}
        assert call.all()[-1][1]["final"]


def outcome(triton: Triton) -> dict[str, Any] | InferenceServerException:
    with calling(triton, strict=True, streaming=False, sampling_param_max_tokens=1) as call:
        try:
            return call.next()[1]
        except InferenceServerException as error:
            return error


def test_one_request_waits_and_one_more_is_refused_at_once(one_slot: Triton) -> None:
    with calling(one_slot, **ENDLESS) as running, ThreadPoolExecutor() as pool:
        running.next()
        first, second = (pool.submit(outcome, one_slot) for _ in range(2))
        done, _ = wait([first, second], ANSWER_S, FIRST_COMPLETED)
        running.cancel()
        refused, served = (first, second) if first in done else (second, first)
        error = refused.result()
        assert isinstance(error, InferenceServerException)
        assert error.status() == "StatusCode.UNAVAILABLE"
        assert "1 requests are being answered and 1 wait" in error.message()
        assert "text_output" in served.result()
