"""``python -m services.engines.llamacpp``: serve one model until SIGTERM."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.engines.llamacpp.adapter import AdapterProblem, gguf_files
from services.engines.llamacpp.merged import FolderProblem, merged_model
from services.engines.llamacpp.settings import EngineSettings
from services.engines.llamacpp.waiting import wait_briefly
from services.observability import configure_logging
from services.settings import SettingError, read_settings

if TYPE_CHECKING:
    import xllamacpp

log = structlog.get_logger("engine")


def main() -> int:
    """Check what can be checked at once, load the model, serve. 1 with one sentence if that cannot be."""
    configure_logging("engine")
    # Blocked in every thread, the native ones too, so that it is we who take them, even while the model loads.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        settings = read_settings(EngineSettings)
    except SettingError as error:
        return _give_up(str(error))
    if problem := _problem(settings):
        return _give_up(problem)
    threading.Thread(target=_serve, args=(settings,), name="server", daemon=True).start()
    number = signal.sigwait(signals)
    log.info("engine stops", signal=signal.Signals(number).name)
    # Not through the server's destructor, which waits for requests in flight and can wait for ever. There is nothing to
    # save: who was being answered sees the connection close.
    os._exit(0)


def _problem(settings: EngineSettings) -> str | None:
    """What llama.cpp would fail at without a word."""
    if not settings.model_path.is_file():
        return f"there is no model at {settings.model_path}: set LLAMACPP_MODEL_PATH to a GGUF file"
    if settings.lora_path is not None and not settings.lora_path.exists():
        return (
            f"there is no adapter at {settings.lora_path}: set LLAMACPP_LORA_PATH to a GGUF file or a folder of "
            "scripts/finetune, or leave it out"
        )
    if settings.merges and any(settings.tuned.values()):
        return (
            "LLAMACPP_TUNED has robots with an adapter's number and robots without one: give all of them a number, or "
            "none, for the adapter to be in the model's weights"
        )
    if settings.merges and settings.merged_path is None:
        return (
            "the adapter belongs into the model's weights, by LLAMACPP_TUNED: set LLAMACPP_MERGED_PATH to a folder "
            "that keeps the model, or give the robots the adapter's number, as in LLAMACPP_TUNED=nao=0"
        )
    files = {"LLAMACPP_MODEL_PATH": settings.model_path, "LLAMACPP_LORA_PATH": settings.lora_path}
    try:
        for setting, path in files.items():
            if path is not None and path.is_file() and not _is_gguf(path):
                return f"{path} is not a GGUF file: set {setting} to one"
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
            probe.listen()
    except OSError as error:
        if error.filename is not None:
            return f"the model cannot be read: {error}"
        return (
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): "
            "stop what listens there, or set LLAMACPP_PORT and LLAMACPP_HOST"
        )
    return None


def _is_gguf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"GGUF"


def _serve(settings: EngineSettings) -> None:
    started = time.monotonic()
    wait_briefly(os.environ)
    try:
        with _parameters(settings) as params:
            import xllamacpp

            server = xllamacpp.Server(params)
    except (AdapterProblem, OSError) as error:
        os._exit(_give_up(f"LLAMACPP_LORA_PATH: {error}"))
    except FolderProblem as error:
        os._exit(_give_up(f"LLAMACPP_MERGED_PATH: {error}"))
    except Exception as error:  # in this thread, anything else would leave a process that serves nothing
        print(file=sys.stderr)  # llama.cpp's own log may have left a line begun
        os._exit(_give_up(f"llama.cpp cannot serve {settings.model_path}: {error}"))
    log.info(
        "engine serves",
        address=server.listening_address,
        model=settings.model_path.stem,
        merged=settings.merges,
        slots=settings.slots,
        threads=settings.threads,
        load_s=round(time.monotonic() - started, 2),
    )
    threading.Event().wait()  # holds the server, which ends with its last reference


@contextmanager
def _parameters(settings: EngineSettings) -> Iterator[xllamacpp.CommonParams]:
    """llama.cpp's parameters, and the files that they name while it reads them."""
    from services.engines.llamacpp.server import parameters

    if settings.merges and settings.lora_path is not None and settings.merged_path is not None:
        pair, folder = (settings.model_path, settings.lora_path), settings.merged_path
        with merged_model(*pair, folder, settings.merged_weights) as merged:
            yield parameters(settings, merged=merged)
    else:
        with gguf_files([settings.lora_path] if settings.lora_path else []) as adapters:
            yield parameters(settings, adapters)


def _give_up(sentence: str) -> int:
    print(f"engine: {sentence.rstrip('.')}.", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
