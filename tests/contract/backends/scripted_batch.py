"""What the stand-in for a static batch engine says: what services/engines/static_batch would."""

from __future__ import annotations

import asyncio
from typing import Any

from scripted_llm import STREAM_HEAD, Exchange, Script, collect, event
from scripted_llm import play as play_any

from services.backends.base import Finish, GenerationRequest
from services.backends.batch import BatchBackend

DONE = "data: [DONE]\n\n"


def play(script: Script, test: Any, **settings: object) -> None:
    play_any(script, test, "deepspeed", **settings)


def prompt(text: str, **fields: Any) -> GenerationRequest:
    return GenerationRequest(**{"messages": [], "max_tokens": 8, "prompt": text, **fields})


def piece(index: int, text: str, reason: str | None = None, usage: tuple[int, int] = (5, 3)) -> str:
    counts = {"usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]}} if reason else {}
    return event({"index": index, "text": text, "finish_reason": reason}, **counts)


async def echo(exchange: Exchange) -> None:
    """Answer each prompt with itself, and each conversation with its last message."""
    prompts = exchange.body.get("prompt") or [each[-1]["content"] for each in exchange.body["messages"]]
    await exchange.send(STREAM_HEAD)
    for index, text in enumerate(prompts):
        if "prompt" in exchange.body:
            await exchange.chunk(piece(index, text, "stop", (len(text), 1)))
        else:
            await exchange.chunk(event({"index": index, "delta": {"content": text}, "finish_reason": "stop"}))
    await exchange.chunk(DONE)
    await exchange.send(b"0\r\n\r\n")


def together(backend: BatchBackend, *requests: GenerationRequest) -> list[asyncio.Task[tuple[str, Finish]]]:
    return [asyncio.create_task(collect(backend, request)) for request in requests]
