"""Text Generation Inference 3: chat completions for messages, ``/generate_stream`` for the text of a prompt.

Its chat door is OpenAI's with differences that matter: fields that change their meaning or are refused at their neutral
value, LoRA adapters named as models, finish reasons of its own. ``/generate_stream`` answers 200 whatever happens and
tells errors in the stream.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic_core import from_json

from services.backends.base import BackendError, Failed, Finish, GenerationRequest, Invalid, Overloaded, Unavailable
from services.backends.config import BackendConfig
from services.backends.dialects.base import Answer, Call, encode, refusal
from services.backends.dialects.openai import OpenAIAnswer
from services.backends.dialects.stops import StopCutter
from services.backends.sse import DataLines, LineTooLong

#: MAX_STOP_SEQUENCES of the launcher; one more and the request is refused. The rest is cut here.
_MOST_STOPS = 4
FINISH_REASONS: dict[str, Literal["stop", "length"]] = {
    "stop": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "length": "length",
}
#: ``error_type`` of an error in a stream.
_ERROR_KINDS: dict[str, type[BackendError]] = {
    "overloaded": Overloaded,
    "validation": Invalid,
    "template_error": Invalid,
    "tool_error": Invalid,
    "incomplete_generation": Unavailable,
    "healthcheck": Unavailable,
}
#: How the errors begin that the chat door's stream numbers as if the request were wrong.
_CHAT_ERRORS: dict[str, type[BackendError]] = {
    "Model is overloaded": Overloaded,
    "Request failed during generation": Failed,
    "Incomplete generation": Unavailable,
}


class TGIDialect:
    """See ``Dialect``."""

    def __init__(self, config: BackendConfig) -> None:
        self._config = config

    def encode(self, request: GenerationRequest) -> Call:
        """See ``Dialect.encode``."""
        if request.prompt is not None:
            return Call("/generate_stream", encode({"inputs": request.prompt, "parameters": self._parameters(request)}))
        if request.temperature > 0 and request.top_k is not None:
            raise Invalid(f"{self._config.name} has no top_k for messages; leave it out, or send the text of a prompt")
        body: dict[str, Any] = {
            "model": request.adapter or "tgi",  # anything else would be taken for an adapter's name
            "messages": request.messages,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.temperature > 0 and request.top_p is not None and request.top_p < 1:  # 1 is refused
            body["top_p"] = request.top_p  # which makes TGI sample, at temperature 0 too
        if request.seed is not None:
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = request.stop[:_MOST_STOPS]
        if (grammar := self._grammar(request)) is not None:
            body["response_format"] = grammar
        return Call("/v1/chat/completions", encode(body))

    def answer(self, request: GenerationRequest) -> Answer:
        """See ``Dialect.answer``."""
        if request.prompt is None:
            return _ChatAnswer(self._config, request)
        return _GenerateAnswer(self._config, request)

    def refusal(self, status: int, body: bytes) -> BackendError:
        """See ``Dialect.refusal``."""
        return refusal(self._config, status, body)

    def cancel(self, call: Call) -> None:
        """See ``Dialect.cancel``: closing the connection does."""
        return

    def _parameters(self, request: GenerationRequest) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "max_new_tokens": request.max_tokens,  # left out, TGI fills up all that it may
            "do_sample": request.temperature > 0,  # with temperature 1 alone it would not sample
            "details": True,
            "return_full_text": False,
            "stop": request.stop[:_MOST_STOPS],
        }
        if request.temperature > 0:  # 0 is refused
            parameters["temperature"] = request.temperature
            if request.top_p is not None and request.top_p < 1:  # and so is 1 here
                parameters["top_p"] = request.top_p
            if request.top_k is not None:
                parameters["top_k"] = request.top_k
            if request.seed is not None:
                parameters["seed"] = request.seed
        if request.adapter is not None:
            parameters["adapter_id"] = request.adapter
        if (grammar := self._grammar(request)) is not None:
            parameters["grammar"] = grammar
        return parameters

    def _grammar(self, request: GenerationRequest) -> dict[str, str] | None:
        """What holds the answer, in the one form that fits: TGI's others are JSON schemas."""
        if request.regex is None or self._config.grammar != "tgi":
            return None
        return {"type": "regex", "value": request.regex}


class _ChatAnswer(OpenAIAnswer):
    """OpenAI's stream with TGI's finish reasons and error numbers, which are 422 whatever happened."""

    finish_reasons = FINISH_REASONS

    def error(self, error: object) -> BackendError:
        """Tell by what it says what is no wrong request."""
        message = str(error.get("message", error)) if isinstance(error, dict) else str(error)
        for beginning, kind in _CHAT_ERRORS.items():
            if message.startswith(beginning):
                return kind(f"{self.config.name} answered: {message}")
        return super().error(error)


class _GenerateAnswer:
    """See ``Answer``. Nothing ends the stream but the close of the connection; its last event has the whole text."""

    def __init__(self, config: BackendConfig, request: GenerationRequest) -> None:
        self.ended = False
        self._config = config
        self._lines = DataLines()
        self._cutter = StopCutter(request.stop)
        self._details: dict[str, Any] | None = None
        self._stopped = False

    def feed(self, chunk: bytes) -> str:
        """See ``Answer.feed``."""
        try:
            payloads = self._lines.feed(chunk) if chunk else self._lines.close()
        except LineTooLong as error:
            raise Failed(f"{self._config.name}: {error}") from None
        texts: list[str] = []
        for payload in payloads:
            event = self._event(payload)
            token = event.get("token") or {}
            if not token.get("special"):
                texts.append(self._cutter.feed(str(token.get("text") or "")))
            if event.get("generated_text") is not None:
                self._details = event.get("details") or {}
        self._stopped = self._cutter.stopped
        self.ended = not chunk or self._details is not None or self._stopped
        return "".join(texts) + (self._cutter.rest() if self.ended else "")

    def finish(self) -> Finish:
        """See ``Answer.finish``."""
        details = self._details
        if details is None and not self._stopped:
            raise Unavailable(f"{self._config.name} ended its answer in the middle; it may have been stopped")
        details = details or {}
        reason = str(details.get("finish_reason") or "stop")
        if reason not in FINISH_REASONS:
            raise Failed(f"{self._config.name} ended its answer with finish_reason {reason!r}")
        return Finish(
            reason="stop" if self._stopped else FINISH_REASONS[reason],
            model=self._config.model or self._config.name,
            prompt_tokens=details.get("input_length") or 0,
            completion_tokens=details.get("generated_tokens") or 0,
        )

    def _event(self, payload: bytes) -> dict[str, Any]:
        try:
            event = from_json(payload)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise Failed(f"{self._config.name} sent what is not JSON: {payload[:100]!r}")
        if "error" in event:
            kind = _ERROR_KINDS.get(str(event.get("error_type")), Failed)
            raise kind(f"{self._config.name} answered: {event['error']}")
        return event
