"""OpenAI's answers: completions or chat, whole or as chunks of an event stream."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from typing import Any

from services.engines.static_batch.items import Piece

DONE = b"data: [DONE]\n\n"


class Answer:
    """How the pieces of one request are told, in the shape that its endpoint has."""

    def __init__(self, model: str, chat: bool) -> None:
        self._chat = chat
        self._head = {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": model,
        }

    def chunk(self, piece: Piece) -> bytes:
        """One event. An item's last one has its finish_reason, and its usage beside ``choices``."""
        text = {"delta": {"content": piece.text}} if self._chat else {"text": piece.text}
        document: dict[str, Any] = {
            **self._head,
            "object": "chat.completion.chunk" if self._chat else "text_completion",
            "choices": [{"index": piece.index, **text, "finish_reason": piece.finish_reason}],
        }
        if piece.finish_reason:
            document["usage"] = _usage([piece])
        return event(document)

    def whole(self, pieces: Iterable[Piece]) -> dict[str, Any]:
        """One document, the choices in the order of the prompts."""
        texts: dict[int, list[str]] = {}
        lasts: dict[int, Piece] = {}
        for piece in pieces:
            texts.setdefault(piece.index, []).append(piece.text)
            lasts[piece.index] = piece
        choices = []
        for index, last in sorted(lasts.items()):
            content = "".join(texts[index])
            text = {"message": {"role": "assistant", "content": content}} if self._chat else {"text": content}
            choices.append({"index": index, **text, "finish_reason": last.finish_reason})
        kind = "chat.completion" if self._chat else "text_completion"
        return {**self._head, "object": kind, "choices": choices, "usage": _usage(lasts.values())}


def event(document: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()


def error(status: int, message: str) -> dict[str, Any]:
    """OpenAI's shape of an error."""
    kind = "invalid_request_error" if status in (400, 404, 413) else "server_error"
    if status == 429:
        kind = "rate_limit_error"
    return {"error": {"message": message, "type": kind, "code": status}}


def _usage(lasts: Iterable[Piece]) -> dict[str, int]:
    lasts = list(lasts)
    prompt, completion = sum(last.prompt_tokens for last in lasts), sum(last.completion_tokens for last in lasts)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
