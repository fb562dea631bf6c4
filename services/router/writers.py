"""Answers of the pass-through in the language of the door at which they were asked for."""

from __future__ import annotations

import json
import time
import uuid
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

from services.backends.base import Finish


class Writer(Protocol):
    """Writes one answer in a door's language."""

    #: Whether the client wants it piece by piece, as Server-Sent Events.
    streaming: bool

    def begin(self) -> bytes:
        """What stands before the first piece of a stream."""

    def piece(self, text: str) -> bytes:
        """One piece of the text."""

    def end(self, text: str, finish: Finish) -> bytes:
        """What stands after the last piece; ``text`` is all of it."""

    def broken(self, message: str, code: str) -> bytes:
        """That a stream broke off."""

    def whole(self, text: str, finish: Finish) -> bytes:
        """The answer as one JSON document."""


class _OpenAIWriter(ABC):
    """What chunks and documents of both OpenAI doors share."""

    prefix: ClassVar[str]
    chunk: ClassVar[str]
    document: ClassVar[str]

    def __init__(self, model: str, *, streaming: bool, tells_usage: bool) -> None:
        self.streaming = streaming
        self._tells_usage = tells_usage
        self._model = model
        self._id = f"{self.prefix}-{uuid.uuid4().hex}"
        self._created = int(time.time())

    def begin(self) -> bytes:
        return b""

    def piece(self, text: str) -> bytes:
        return self._chunk(self._model, self.delta(text), None)

    def end(self, text: str, finish: Finish) -> bytes:
        last = self._chunk(finish.model, self.delta(""), finish.reason)
        if self._tells_usage:
            last += _event({**self._head(self.chunk, finish.model), "choices": [], "usage": _usage(finish)})
        return last + b"data: [DONE]\n\n"

    def broken(self, message: str, code: str) -> bytes:
        return openai_failure(message, code)

    def whole(self, text: str, finish: Finish) -> bytes:
        choice = {"index": 0, **self.answer(text), "logprobs": None, "finish_reason": finish.reason}
        return _json({**self._head(self.document, finish.model), "choices": [choice], "usage": _usage(finish)})

    @abstractmethod
    def delta(self, text: str) -> dict[str, Any]:
        """A piece of text as a chunk's choice holds it."""

    @abstractmethod
    def answer(self, text: str) -> dict[str, Any]:
        """All the text as a document's choice holds it."""

    def _chunk(self, model: str, delta: dict[str, Any], reason: str | None) -> bytes:
        choice = {"index": 0, **delta, "logprobs": None, "finish_reason": reason}
        return _event({**self._head(self.chunk, model), "choices": [choice]})

    def _head(self, kind: str, model: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": model}


class ChatWriter(_OpenAIWriter):
    """Chat completions."""

    prefix, chunk, document = "chatcmpl", "chat.completion.chunk", "chat.completion"

    def begin(self) -> bytes:
        return self._chunk(self._model, {"delta": {"role": "assistant", "content": ""}}, None)

    def delta(self, text: str) -> dict[str, Any]:
        return {"delta": {"content": text} if text else {}}

    def answer(self, text: str) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": text}}


class CompletionWriter(_OpenAIWriter):
    """Completions of a prompt."""

    prefix, chunk, document = "cmpl", "text_completion", "text_completion"

    def delta(self, text: str) -> dict[str, Any]:
        return {"text": text}

    answer = delta


class GenerateWriter:
    """TGI's answers. A piece stands for a token: it has no id of its own, and its logprob is not known."""

    def __init__(self, streaming: bool, details: bool, echo: str, *, in_list: bool) -> None:
        self.streaming = streaming
        self._in_list = in_list
        self._details = details
        self._echo = echo
        self._index = 0

    def begin(self) -> bytes:
        return b""

    def piece(self, text: str) -> bytes:
        return self._token(text, None, None)

    def end(self, text: str, finish: Finish) -> bytes:
        details = {**self._finish(finish), "input_length": finish.prompt_tokens} if self._details else None
        return self._token("", self._echo + text, details)

    def broken(self, message: str, code: str) -> bytes:
        return tgi_failure(message, code)

    def whole(self, text: str, finish: Finish) -> bytes:
        document: dict[str, Any] = {"generated_text": self._echo + text}
        if self._details:
            document["details"] = {**self._finish(finish), "prefill": [], "tokens": []}
        return _json([document] if self._in_list else document)

    def _token(self, text: str, generated_text: str | None, details: dict[str, Any] | None) -> bytes:
        self._index += 1
        token = {"id": 0, "text": text, "logprob": 0.0, "special": not text}
        return _event({"index": self._index, "token": token, "generated_text": generated_text, "details": details})

    @staticmethod
    def _finish(finish: Finish) -> dict[str, Any]:
        reason = "length" if finish.reason == "length" else "eos_token"
        return {"finish_reason": reason, "generated_tokens": finish.completion_tokens, "seed": None}


_TGI_ERRORS = {"backend.overloaded": "overloaded", "backend.invalid": "validation", "router.stopping": "overloaded"}


def openai_failure(message: str, code: str) -> bytes:
    """How a stream of OpenAI's doors ends when it broke off."""
    document = {"message": message, "type": "server_error", "param": None, "code": code}
    return _event({"error": document}) + b"data: [DONE]\n\n"


def tgi_failure(message: str, code: str) -> bytes:
    """How a stream of TGI's doors ends when it broke off."""
    return _event({"error": message, "error_type": _TGI_ERRORS.get(code, "generation")})


def _usage(finish: Finish) -> dict[str, int]:
    return {
        "prompt_tokens": finish.prompt_tokens,
        "completion_tokens": finish.completion_tokens,
        "total_tokens": finish.prompt_tokens + finish.completion_tokens,
    }


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + _json(document) + b"\n\n"
