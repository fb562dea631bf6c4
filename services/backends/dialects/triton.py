"""Triton's generate extension over HTTP, with the tensors of the LLM-API repository (triton_models/, and NVIDIA's).

The text comes as a whole that grows, not piece by piece. The server does not notice a connection that is closed before
the first piece, so a generation is ended by a second request that names it.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, Literal

from pydantic_core import from_json

from services.backends.base import BackendError, Failed, Finish, GenerationRequest, Invalid, Overloaded, Unavailable
from services.backends.config import BackendConfig
from services.backends.dialects.base import Call, encode, refusal
from services.backends.dialects.stops import StopCutter
from services.backends.sse import DataLines, LineTooLong
from services.backends.template import ChatTemplate

_FINISH_REASONS: dict[str, Literal["stop", "length"]] = {"stop": "stop", "length": "length"}


class TritonDialect:
    """See ``Dialect``."""

    def __init__(self, config: BackendConfig) -> None:
        self._config = config
        self._template = ChatTemplate(config.chat_template)
        self._path = f"/v2/models/{config.model}/generate_stream"

    def encode(self, request: GenerationRequest) -> Call:
        """See ``Dialect.encode``."""
        return Call(self._path, encode({"id": uuid.uuid4().hex, **tensors(self._config, self._template, request)}))

    def answer(self, request: GenerationRequest) -> TritonAnswer:
        """See ``Dialect.answer``."""
        return TritonAnswer(self._config, request)

    def refusal(self, status: int, body: bytes) -> BackendError:
        """See ``Dialect.refusal``. The status says nothing: Triton answers its models' errors with 400, or with 200."""
        # An error that comes before any text is told as an event too, though with a status.
        payload = body.strip().removeprefix(b"data:")
        try:
            return error_of(self._config, str(from_json(payload)["error"]))
        except (ValueError, KeyError, TypeError):  # not Triton, but what stands before it
            return refusal(self._config, status, body)

    def cancel(self, call: Call) -> Call:
        """See ``Dialect.cancel``."""
        # Every input has to be there; the text is not looked at.
        return Call(call.path, encode({"id": json.loads(call.body)["id"], "stop": True, "text_input": ""}))


class TritonAnswer:
    """See ``Answer``."""

    def __init__(self, config: BackendConfig, request: GenerationRequest) -> None:
        self.ended = False
        self._config = config
        self._lines = DataLines()
        self._growing = GrowingText(request)
        self._last: dict[str, Any] = {}

    def feed(self, chunk: bytes) -> str:
        """See ``Answer.feed``."""
        try:
            payloads = self._lines.feed(chunk) if chunk else self._lines.close()
        except LineTooLong as error:
            raise Failed(f"{self._config.name}: {error}") from None
        texts: list[str] = []
        for payload in payloads:
            try:
                event = from_json(payload)
            except ValueError:
                raise Failed(f"{self._config.name} sent what is not JSON: {payload[:100]!r}") from None
            if not isinstance(event, dict):
                raise Failed(f"{self._config.name} sent what is not an answer: {payload[:100]!r}")
            if "error" in event:
                raise error_of(self._config, str(event["error"]))
            self._last = event
            texts.append(self._growing.feed(_first(event.get("text_output", ""))))
        self.ended = not chunk or self._growing.stopped or _first(self._last.get("finish_reason")) in _FINISH_REASONS
        return "".join(texts) + (self._growing.rest() if self.ended else "")

    def finish(self) -> Finish:
        """See ``Answer.finish``."""
        return finish(self._config, self._growing.stopped, {name: _first(value) for name, value in self._last.items()})


class GrowingText:
    """Turns a text that is sent as a whole each time into the pieces by which it grows."""

    def __init__(self, request: GenerationRequest) -> None:
        self._sent = 0
        self._cutter = StopCutter(request.stop)

    @property
    def stopped(self) -> bool:
        """Whether a stop string has come."""
        return self._cutter.stopped

    def feed(self, whole: str) -> str:
        """Take the text as it stands; return what is new."""
        # A character that was cut in two is sent as a replacement first and put right when its rest has come.
        end = len(whole.rstrip("\N{REPLACEMENT CHARACTER}"))
        piece, self._sent = whole[self._sent : end], max(self._sent, end)
        return self._cutter.feed(piece)

    def rest(self) -> str:
        """The text has ended: what was held back."""
        return self._cutter.rest()


def tensors(config: BackendConfig, template: ChatTemplate, request: GenerationRequest) -> dict[str, Any]:
    """The inputs of one generation by name, as JSON values. Raises Invalid."""
    prompt = request.prompt if request.prompt is not None else template.render(request.messages)
    inputs: dict[str, Any] = {
        "text_input": prompt,
        "streaming": True,
        "sampling_param_max_tokens": request.max_tokens,  # left out, it is 32
        "sampling_param_exclude_input_from_output": True,
        "return_finish_reason": True,
    }
    if request.temperature > 0:
        inputs["sampling_param_temperature"] = request.temperature
        for name, value in (("top_p", request.top_p), ("top_k", request.top_k), ("seed", request.seed)):
            if value is not None:
                inputs[f"sampling_param_{name}"] = value
    else:
        inputs["sampling_param_top_k"] = 1
    if request.stop:
        inputs["sampling_param_stop"] = request.stop
    if request.adapter is not None:
        inputs["lora_name"] = request.adapter
    if config.grammar == "triton":  # our repository
        inputs |= {"return_num_input_tokens": True, "return_num_output_tokens": True}
        if request.grammar is not None:
            inputs |= {"guided_decoding_guide_type": "ebnf_grammar", "guided_decoding_guide": request.grammar}
    return inputs


def finish(config: BackendConfig, stopped: bool, last: dict[str, Any]) -> Finish:
    """How an answer ended, from the values of its last response. Raises a BackendError if it did not end well."""
    reason = "stop" if stopped else str(last.get("finish_reason"))
    if reason not in _FINISH_REASONS:
        if reason == "None":
            raise Unavailable(f"{config.name} ended its answer in the middle; it may have been stopped")
        raise Failed(f"{config.name} ended its answer with finish_reason {reason!r}")
    return Finish(
        reason=_FINISH_REASONS[reason],
        model=config.model,
        prompt_tokens=int(last.get("num_input_tokens") or 0),
        completion_tokens=int(last.get("num_output_tokens") or 0),
    )


def error_of(config: BackendConfig, text: str) -> BackendError:
    """The error that a message of Triton's or of its model's stands for: over HTTP there is nothing else to go by."""
    message = f"{config.name} answered: {text}"
    lowered = text.lower()
    if "try again later" in lowered or "maximum queue size" in lowered:
        return Overloaded(message)
    if "cancelled" in lowered or "not ready" in lowered or "unknown model" in lowered or "unavailable" in lowered:
        return Unavailable(message)
    if lowered.startswith("error generating request"):
        return Failed(message)
    return Invalid(message)


def _first(value: Any) -> Any:
    """An output with one value may or may not come in a list."""
    return value[0] if isinstance(value, list) and value else value
