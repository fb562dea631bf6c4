"""OpenAI's completions and chat completions, as llama.cpp, vLLM, Transformers' server and our own speak them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic_core import from_json

from services.backends.base import BackendError, Failed, Finish, GenerationRequest, Unavailable
from services.backends.config import BackendConfig
from services.backends.dialects.base import Call, broken_off, encode, refusal
from services.backends.dialects.stops import StopCutter
from services.backends.sse import DataLines, LineTooLong


class OpenAIDialect:
    """See ``Dialect``."""

    def __init__(self, config: BackendConfig) -> None:
        self._config = config

    def encode(self, request: GenerationRequest) -> Call:
        """See ``Dialect.encode``."""
        body: dict[str, Any] = {
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.prompt is None:
            path, body["messages"] = "/v1/chat/completions", request.messages
        else:
            path, body["prompt"] = "/v1/completions", request.prompt
        if self._config.adapters_by == "number":
            if self._config.tuned:
                body["lora"] = self._config.numbered_adapters(request.adapter)
            model = self._config.model
        else:
            model = request.adapter or self._config.model
        if model:
            body["model"] = model
        for name, value in (("top_p", request.top_p), ("top_k", request.top_k), ("seed", request.seed)):
            if value is not None:
                body[name] = value
        if request.stop:
            body["stop"] = request.stop
        if request.grammar is not None and self._config.grammar == "gbnf":
            body["grammar"] = request.grammar
        if request.grammar is not None and self._config.grammar == "vllm":
            body["structured_outputs"] = {"grammar": request.grammar}
        return Call(path, encode(body))

    def answer(self, request: GenerationRequest) -> OpenAIAnswer:
        """See ``Dialect.answer``."""
        return OpenAIAnswer(self._config, request)

    def refusal(self, status: int, body: bytes) -> BackendError:
        """See ``Dialect.refusal``."""
        return refusal(self._config, status, body)

    def cancel(self, call: Call) -> None:
        """See ``Dialect.cancel``: closing the connection does."""
        return


class OpenAIAnswer:
    """See ``Answer``."""

    finish_reasons: ClassVar[dict[str, Literal["stop", "length"]]] = {"stop": "stop", "length": "length"}

    def __init__(self, config: BackendConfig, request: GenerationRequest) -> None:
        self.ended = False
        self.config = config
        self._lines = DataLines()
        # Some servers leave a stop string in the text, or take no notice of it.
        self._cutter = StopCutter(request.stop)
        self._reason: str | None = None
        self._done = False
        self._model = config.model or config.name
        self._usage: dict[str, Any] = {}

    def feed(self, chunk: bytes) -> str:
        """See ``Answer.feed``."""
        try:
            payloads = self._lines.feed(chunk) if chunk else self._lines.close()
        except LineTooLong as error:
            raise Failed(f"{self.config.name}: {error}") from None
        self.ended = not chunk
        texts: list[str] = []
        for payload in payloads:
            if payload == b"[DONE]":
                self.ended = self._done = True
                break
            event = self._event(payload)
            self._model = event.get("model") or self._model
            self._usage = event.get("usage") or self._usage
            for choice in event.get("choices") or ():
                if text := (choice.get("delta") or {}).get("content") or choice.get("text"):
                    texts.append(text)
                self._reason = choice.get("finish_reason") or self._reason
        text = self._cutter.feed("".join(texts))
        if self._cutter.stopped:
            self._stop_here()
        return text + self._cutter.rest() if self.ended else text

    def _stop_here(self) -> None:
        """All that was asked for has come. A server that says it is done is heard to its end, for the usage."""
        self.ended = self.ended or self._reason is None
        self._reason = "stop"

    def finish(self) -> Finish:
        """See ``Answer.finish``."""
        if self._reason is None and self._done:
            raise Failed(f"{self.config.name} ended its answer without a finish_reason")
        if self._reason is None:
            raise Unavailable(f"{self.config.name} ended its answer in the middle; it may have been stopped")
        if self._reason not in self.finish_reasons:
            raise Failed(f"{self.config.name} ended its answer with finish_reason {self._reason!r}")
        return Finish(
            reason=self.finish_reasons[self._reason],
            model=self._model,
            prompt_tokens=self._usage.get("prompt_tokens") or 0,
            completion_tokens=self._usage.get("completion_tokens") or 0,
        )

    def _event(self, payload: bytes) -> dict[str, Any]:
        """Parse one event; raise what it says if it is an error, which servers send on a stream begun with 200."""
        try:
            event = from_json(payload)
        except ValueError:
            event = None
        if isinstance(event, dict) and not event.get("error"):
            return event
        error = event["error"] if isinstance(event, dict) else payload.decode(errors="replace")
        raise self.error(error)

    def error(self, error: object) -> BackendError:
        """The error that an event of the stream stands for."""
        return broken_off(self.config, error)
