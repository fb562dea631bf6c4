"""The runtime without a GPU: llama.cpp's native server inside this process, spoken to over loopback.

Over HTTP because that is where llama.cpp cancels: work stops when the connection closes, while a prompt is still being
read too. The key keeps other users of the machine out.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
from collections.abc import AsyncGenerator
from typing import Any

from services.engines.llamacpp.waiting import wait_briefly

wait_briefly(os.environ)

import aiohttp
import xllamacpp
from pydantic import ValidationError

from llm_backend.config import ConfigProblem, ModelConfig
from llm_backend.guides import Guide
from llm_backend.request import Refused, Request
from llm_backend.runtime import Piece, adapter
from services.backends.sse import DataLines
from services.engines.llamacpp.adapter import AdapterProblem, gguf_files
from services.engines.llamacpp.server import parameters
from services.engines.llamacpp.settings import EngineSettings
from services.settings import fault_of

_CONNECT_TIMEOUT_S = 10
# Longest silence: a full queue of long answers before ours begins.
_SILENCE_S = 600
_MAX_ERROR_BYTES = 4096
# Tokens of a prompt that are read in one step. Between steps the others' answers go on, and a cancelled prompt is left.
_STEP_TOKENS = 128
_RANDOM_SEED = 2**32 - 1
_FIELDS = [
    *("content", "stop", "tokens_predicted", "tokens_evaluated"),
    *("stop_type", "stopping_word", "completion_probabilities"),
]


class LlamaCpp:
    """See ``Runtime``. Model, slots and threads are set with LLAMACPP_… variables, as for the engine of its own."""

    def __init__(self, config: ModelConfig) -> None:
        try:
            settings = EngineSettings(host="127.0.0.1", port=0)
        except ValidationError as error:
            raise ConfigProblem(fault_of(error, "LLAMACPP_")) from None
        self.capacity = settings.slots
        self._config = config
        self._key = secrets.token_urlsafe()
        self._session: aiohttp.ClientSession | None = None
        adapters = config.triton.lora_adapters
        for path in (settings.model_path, *adapters.values()):
            if not path.exists():
                raise ConfigProblem(f"there is no file {path}: set LLAMACPP_MODEL_PATH, or mend lora_adapters")
        try:
            with gguf_files(adapters.values()) as files:
                params = parameters(settings, files)
                params.api_keys = [self._key]
                params.n_batch = params.n_ubatch = _STEP_TOKENS
                self._server = xllamacpp.Server(params)
        except (AdapterProblem, OSError) as error:
            raise ConfigProblem(f"lora_adapters: {error}") from error
        except Exception as error:
            raise ConfigProblem(f"llama.cpp cannot serve {settings.model_path}: {error}") from error
        # One reference too many, so that it is never destroyed: its destructor can wait for ever, and this process with
        # it. There is nothing to save when the process ends.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))

    async def generate(self, request: Request) -> AsyncGenerator[Piece, None]:
        """See ``Runtime.generate``."""
        kind, text = request.guided_decoding_guide_type, request.guided_decoding_guide
        guide = Guide(kind, text) if kind is not None and text is not None else None
        body = self._body(request)
        if guide is not None:
            body["grammar"] = guide.grammar
        try:
            async with self._open_session().post(f"{self._server.listening_address}/completion", json=body) as response:
                if response.status != 200:
                    raise _refusal(response.status, await response.content.read(_MAX_ERROR_BYTES))
                answer = _Answer(request.return_cumulative_logprob)
                lines = DataLines()
                async for chunk in response.content.iter_any():
                    for payload in lines.feed(chunk):
                        event = json.loads(payload)
                        if guide is not None:
                            guide.follow(event.get("content", ""))
                        yield answer.add(event)
        except (aiohttp.ClientError, OSError) as error:
            raise Refused("INTERNAL", f"llama.cpp did not answer: {error or type(error).__name__}") from error
        if not answer.complete:
            raise Refused("INTERNAL", "llama.cpp ended its answer in the middle")

    async def close(self) -> None:
        """See ``Runtime.close``."""
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {self._key}"},
                connector=aiohttp.TCPConnector(limit=0, force_close=True),  # bounded by the model's queue
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_SILENCE_S),
            )
        return self._session

    def _body(self, request: Request) -> dict[str, Any]:
        if request.sampling_param_return_perf_metrics:
            raise Refused("UNSUPPORTED", "sampling_param_return_perf_metrics: llama.cpp has none; leave it out")
        body: dict[str, Any] = {
            "prompt": request.prompt,
            "n_predict": request.sampling_param_max_tokens,
            "stop": request.sampling_param_stop,
            "frequency_penalty": request.sampling_param_frequency_penalty or 0.0,
            "presence_penalty": request.sampling_param_presence_penalty or 0.0,
            "stream": True,
            "response_fields": _FIELDS,
            **_sampling(request),
        }
        if request.return_cumulative_logprob:
            body["n_probs"] = 1
        chosen = adapter(request, self._config)
        # Every adapter is said to be on or off: without that, llama.cpp goes on from a prompt that another computed.
        names = self._config.triton.lora_adapters
        body["lora"] = [{"id": number, "scale": float(name == chosen)} for number, name in enumerate(names)]
        return body


class _Answer:
    """What has been said so far."""

    def __init__(self, with_logprobs: bool) -> None:
        self.complete = False
        self._text: list[str] = []
        self._logprobs: list[float] | None = [] if with_logprobs else None

    def add(self, event: dict[str, Any]) -> Piece:
        """Take the next event."""
        if "error" in event:
            raise _error(500, event)
        self._text.append(event["content"])
        if self._logprobs is not None:
            self._logprobs += [entry["logprob"] for entry in event.get("completion_probabilities", ())]
        self.complete = event["stop"]
        output_tokens = event["tokens_predicted"]
        known = self._logprobs is not None and len(self._logprobs) == output_tokens
        return Piece(
            text="".join(self._text),
            input_tokens=event["tokens_evaluated"],
            output_tokens=output_tokens,
            finish_reason=("length" if event["stop_type"] == "limit" else "stop") if self.complete else None,
            stop_reason=event.get("stopping_word") or None,
            cumulative_logprob=sum(self._logprobs or ()) if known else None,
        )


def _sampling(request: Request) -> dict[str, Any]:
    """The LLM API's sampling: what is not said is off, where llama.cpp has defaults of its own."""
    seed = request.sampling_param_seed
    common = {"min_p": 0.0, "seed": _RANDOM_SEED if seed is None else seed % _RANDOM_SEED}
    if request.greedy:
        return {**common, "temperature": 0.0}
    temperature, top_p = request.sampling_param_temperature, request.sampling_param_top_p
    return {
        **common,
        "temperature": 1.0 if temperature is None else temperature,
        "top_k": request.sampling_param_top_k or 0,
        "top_p": 1.0 if top_p is None else top_p,
    }


def _refusal(status: int, body: bytes) -> Refused:
    try:
        return _error(status, json.loads(body))
    except ValueError:
        return _error(status, {"error": body.decode(errors="replace")})


def _error(status: int, document: Any) -> Refused:
    error = document.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    code = error.get("code", status) if isinstance(error, dict) else status
    return Refused("INVALID_ARG" if code == 400 else "INTERNAL", f"llama.cpp: {message}")
