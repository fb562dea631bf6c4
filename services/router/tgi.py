"""Text Generation Inference's OpenAI doors as OpenAI's clients expect them: what they would trip over is mended.

Everything else goes through as it is, tools and logprobs among it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic_core import from_json, to_json

from services.backends.config import BackendConfig
from services.router.doors import Door
from services.router.parameters import check_names

#: Of no effect in OpenAI's API at these values; here refused, or taken for something else.
_NEUTRAL = {"top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
_FINISH_REASON = re.compile(rb'("finish_reason"\s*:\s*)"(?:eos_token|stop_sequence)"')
_MAX_LINE_BYTES = 256 * 1024
_NO_REASON = re.compile(rb'("finish_reason"\s*:\s*)""')


def mend_request(config: BackendConfig, door: Door, body: bytes) -> bytes:
    """The body, at OpenAI's doors with what TGI takes amiss put right; one that is not an object is for TGI to judge.

    Raises Problem 422 for parameters that TGI would ignore.
    """
    try:
        document = from_json(body)
    except ValueError:
        return body
    if not isinstance(document, dict):
        return body
    check_names(config, door, document)
    if not door.startswith("/v1/"):
        return body
    for name, value in _NEUTRAL.items():
        if name in document and document[name] in (value, None):
            del document[name]
    if isinstance(document.get("stop"), str):
        document["stop"] = [document["stop"]]
    # Any other model would be taken for the name of a LoRA adapter.
    if document.get("model") in (None, "", config.model, config.name):
        document["model"] = "tgi"
    return to_json(document)


def mend_line(line: bytes) -> bytes:
    """One line of an answer with OpenAI's finish reasons."""
    return _NO_REASON.sub(rb"\1null", _FINISH_REASON.sub(rb'\1"stop"', line))


class MendedLines:
    """An answer, mended line by line as it arrives."""

    def __init__(self, answer: Iterator[bytes]) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        for data in self._answer:
            *lines, rest = (rest + data).split(b"\n")
            if lines:
                yield b"".join(mend_line(line) + b"\n" for line in lines)
            if len(rest) > _MAX_LINE_BYTES:  # no line of TGI's: it goes on as it is
                yield rest
                rest = b""
        if rest:
            yield mend_line(rest)

    def close(self) -> None:
        """Hang up, if it is not over."""
        if hasattr(self._answer, "close"):
            self._answer.close()
