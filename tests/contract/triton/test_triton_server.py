"""The server around the model: its own pages, how it ends, and how it fails to start."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path

import pytest
from running_triton import REPOSITORY, Triton, calling, serving, start
from tritonclient.utils import InferenceServerException

from services.embedded.ports import port_of, reserve_port

START_S = 60


def test_health_and_metrics_answer(triton: Triton) -> None:
    assert triton.get("/v2/health/live")[0] == 200
    assert triton.get("/v2/models/tensorrt_llm/ready")[0] == 200
    triton.generate(sampling_param_max_tokens=1)
    status, text = triton.get("/metrics", triton.metrics_port)
    assert status == 200
    assert 'nv_inference_request_success{model="tensorrt_llm",version="1"}' in text


def test_the_model_is_decoupled_whatever_flags_the_server_has(triton: Triton, one_slot: Triton) -> None:
    for server in (triton, one_slot):  # the second with --disable-auto-complete-config
        config = json.loads(server.get("/v2/models/tensorrt_llm/config")[1])
        assert config["model_transaction_policy"] == {"decoupled": True}
        assert len(list(server.stream(sampling_param_max_tokens=4))) > 1


def test_it_listens_on_loopback_only(triton: Triton) -> None:
    ports = {triton.http_port, triton.grpc_port, triton.metrics_port}
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, port = line.split()[1].split(":")
            if line.split()[3] == "0A" and int(port, 16) in ports:
                listening.add((address, int(port, 16)))
    assert {port for _, port in listening} == ports
    assert {address for address, _ in listening} <= {"0100007F", "0000000000000000FFFF00000100007F"}  # 127.0.0.1, twice


def test_sigterm_lets_answers_be_finished_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path, LLAMACPP_SLOTS=1) as triton:
        events = triton.stream(sampling_param_max_tokens=60, return_finish_reason=True)
        next(events)
        triton.process.send_signal(signal.SIGTERM)
        assert list(events)[-1]["finish_reason"] in ("length", "stop")
        assert triton.process.wait(timeout=30) == 0
        wait_until_gone(triton.process.pid)


def wait_until_gone(group: int) -> None:
    """The last of a server's processes may end a moment after the server."""
    deadline = time.monotonic() + 10
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        assert time.monotonic() < deadline, "a process of the server is left"
        time.sleep(0.05)


def test_sigterm_ends_it_in_time_after_cancelled_prompts_too(tmp_path: Path) -> None:
    with serving(tmp_path, LLAMACPP_SLOTS=1) as triton:
        for word in ("one ", "two "):
            with calling(triton, request_id="r", text_input=word * 300) as call:
                call.send(request_id="r", stop=True)
                with pytest.raises(InferenceServerException, match="Request cancelled by client"):
                    call.next()
            triton.text("Hello", sampling_param_max_tokens=1)
        triton.process.send_signal(signal.SIGTERM)
        # 1: a connection that the client had not closed yet, for which Triton waits 30 s. What must not be is that it
        # never ends.
        assert triton.process.wait(timeout=45) in (0, 1)


def test_when_the_models_process_dies_so_does_the_server(tmp_path: Path) -> None:
    with serving(tmp_path, LLAMACPP_SLOTS=1) as triton:
        pid = triton.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        [model] = [child for child in children if "stub" in Path(f"/proc/{child}/cmdline").read_text()]
        os.kill(int(model), signal.SIGKILL)
        assert triton.process.wait(timeout=30) != 0


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"LLAMACPP_MODEL_PATH": "/no/such.gguf"}, "there is no file /no/such.gguf: set LLAMACPP_MODEL_PATH"),
        ({"LLAMACPP_MODEL_PATH": __file__}, f"llama.cpp cannot serve {__file__}: "),
        ({"LLAMACPP_SLOTS": "none"}, "LLAMACPP_SLOTS=none is not valid"),
        ({"LLM_CONFIG_PATH": "/no/such.yaml"}, "/no/such.yaml cannot be read"),
        ({"TRITON_RUNTIME": "vllm"}, "TRITON_RUNTIME=vllm is not known: set it to tensorrt_llm or llamacpp"),
        ({"TRITON_RUNTIME": "tensorrt_llm"}, "TRITON_RUNTIME=tensorrt_llm needs a package that is not installed here"),
        ({"TRITON_HTTP_PORT": "0"}, "triton: TRITON_HTTP_PORT=0 is not valid"),
    ],
)
def test_what_keeps_it_from_starting_is_told(tmp_path: Path, environ: dict[str, str], message: str) -> None:
    with contextlib.ExitStack() as holders:
        names = ("TRITON_HTTP_PORT", "TRITON_GRPC_PORT", "TRITON_METRICS_PORT")
        ports = {name: port_of(holders.enter_context(reserve_port())) for name in names}
        process, log = start(tmp_path, **{**ports, **environ})
        try:
            assert process.wait(timeout=START_S) == 1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert message in " ".join(log.read_text().split())


def test_the_repository_holds_this_model_alone() -> None:
    assert [path.name for path in REPOSITORY.iterdir() if path.is_dir()] == ["tensorrt_llm"]
