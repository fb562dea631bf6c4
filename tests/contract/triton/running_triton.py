"""A real Triton server with our repository, as a process, and what clients say to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc as grpc
import yaml

from services.embedded.ports import port_of, reserve_port
from tests.servers import start_server

REPOSITORY = Path(__file__).resolve().parents[3] / "triton_models"
READY_S = 90
ANSWER_S = 60
_MODEL = "/v2/models/tensorrt_llm"


@dataclass
class Triton:
    """Where the server listens, its process, and what it says."""

    http_port: int
    grpc_port: int
    metrics_port: int
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str, port: int | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.http_port, timeout=ANSWER_S)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def generate(self, text_input: str | list[str] | None = "Once upon a time", **inputs: object) -> dict[str, Any]:
        """Answer of one request, or its error, as a document."""
        with self.post("/generate", text_input, inputs) as response:
            document: dict[str, Any] = json.load(response)
            return document

    def text(self, text_input: str = "Once upon a time", **inputs: object) -> str:
        """The generated text alone."""
        answer = self.generate(text_input, sampling_param_exclude_input_from_output=True, **inputs)
        assert "error" not in answer, answer
        text: str = answer["text_output"]
        return text

    def stream(self, text_input: str = "Once upon a time", **inputs: object) -> Iterator[dict[str, Any]]:
        """Events of one streamed request; closing it hangs up."""
        with self.post("/generate_stream", text_input, {"streaming": True, **inputs}) as response:
            for line in response:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])

    @contextlib.contextmanager
    def post(self, path: str, text_input: object, inputs: Mapping[str, object]) -> Iterator[http.client.HTTPResponse]:
        body = {key: value for key, value in {"text_input": text_input, **inputs}.items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=ANSWER_S)
        with contextlib.closing(connection):
            connection.request("POST", _MODEL + path, json.dumps(body))
            with connection.getresponse() as response:
                yield response


@dataclass
class Call:
    """A gRPC stream with one request on it, followed to its end or to ``cancel``. Arrivals carry their time."""

    client: grpc.InferenceServerClient
    arrivals: queue.SimpleQueue[tuple[float, Any, Any]] = field(default_factory=queue.SimpleQueue)

    def send(self, request_id: str = "", **inputs: object) -> None:
        """Send a request, or one more on the same stream."""
        self.client.async_stream_infer("tensorrt_llm", _tensors(inputs), request_id=request_id)

    def arrived(self, result: Any, error: Any) -> None:
        self.arrivals.put((time.monotonic(), result, error))

    def next(self) -> tuple[float, dict[str, Any]]:
        """When the next response came, and its tensors; raises the error it brought."""
        at, result, error = self.arrivals.get(timeout=ANSWER_S)
        if error is not None:
            raise error
        response = result.get_response()
        tensors = {output.name: result.as_numpy(output.name)[0] for output in response.outputs}
        final = response.parameters["triton_final_response"].bool_param
        return at, {**{k: v.decode() if isinstance(v, bytes) else v for k, v in tensors.items()}, "final": final}

    def all(self) -> list[tuple[float, dict[str, Any]]]:
        """What is left, to the final response."""
        answers = [self.next()]
        while not answers[-1][1]["final"]:
            answers.append(self.next())
        return answers

    def cancel(self) -> None:
        self.client.stop_stream(cancel_requests=True)


@contextlib.contextmanager
def calling(triton: Triton, request_id: str = "", strict: bool = False, **inputs: object) -> Iterator[Call]:
    """Send a request over gRPC. ``strict``: errors come with gRPC's own status."""
    with grpc.InferenceServerClient(f"127.0.0.1:{triton.grpc_port}") as client:
        call = Call(client)
        client.start_stream(call.arrived, headers={"triton_grpc_error": "true"} if strict else None)
        call.send(request_id, **inputs)
        try:
            yield call
        finally:
            call.cancel()


def _tensors(inputs: Mapping[str, object]) -> list[grpc.InferInput]:
    made = []
    for name, value in {"text_input": "Once upon a time", "streaming": True, **inputs}.items():
        array, datatype = _array(name, value)
        tensor = grpc.InferInput(name, list(array.shape), datatype)
        tensor.set_data_from_numpy(array)
        made.append(tensor)
    return made


def _array(name: str, value: object) -> tuple[np.ndarray[Any, Any], str]:
    if isinstance(value, bool):
        return np.array([value]), "BOOL"
    if isinstance(value, int):
        wide = name in ("sampling_param_seed", "lora_id")
        return np.array([value], np.uint64 if wide else np.int32), "UINT64" if wide else "INT32"
    if isinstance(value, float):
        return np.array([value], np.float32), "FP32"
    texts = value if isinstance(value, list) else [value]
    return np.array([str(text).encode() for text in texts], np.object_), "BYTES"


def start(folder: Path, *arguments: str, **environ: object) -> tuple[subprocess.Popen[bytes], Path]:
    """Start the launcher with these variables; its output goes to a file in ``folder``."""
    log = folder / "triton.log"
    variables = {"TRITON_RUNTIME": "llamacpp", "XDG_CACHE_HOME": str(folder), "LLAMACPP_CONTEXT_TOKENS": "1024"}
    with log.open("wb") as output:
        process = start_server(
            [sys.executable, "-m", "services.engines.triton", *arguments],
            env={**os.environ, **variables, **{name: str(value) for name, value in environ.items()}},
            cwd=REPOSITORY.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return process, log


@contextlib.contextmanager
def serving(
    folder: Path, *arguments: str, triton_config: Mapping[str, object] | None = None, **environ: object
) -> Iterator[Triton]:
    """A server with this ``triton_config``, ready; killed afterwards if it still runs."""
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"triton_config": dict(triton_config or {})}))
    with ExitStack() as holders:
        ports = {
            f"TRITON_{name}_PORT": port_of(holders.enter_context(reserve_port()))
            for name in ("HTTP", "GRPC", "METRICS")
        }
        process, log = start(folder, *arguments, LLM_CONFIG_PATH=config, **ports, **environ)
        triton = Triton(*ports.values(), process, log)
        try:
            deadline = time.monotonic() + READY_S
            while not _ready(triton):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, f"Triton was not ready within {READY_S} s: {log.read_text()}"
                time.sleep(0.05)
            yield triton
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _ready(triton: Triton) -> bool:
    try:
        return triton.get(f"{_MODEL}/ready")[0] == 200
    except OSError:
        return False
