"""``python -m services.engines.static_batch``: serve one model until SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import structlog
from aiohttp import web

from services.engines.launch import give_up
from services.engines.static_batch.engine import Engine
from services.engines.static_batch.metrics import Metrics
from services.engines.static_batch.server import Server
from services.engines.static_batch.settings import EngineSettings
from services.observability import configure_logging
from services.settings import SettingError, read_settings

log = structlog.get_logger("engine")


def main() -> int:
    """Listen, load the model in a thread, serve. 1 with one sentence if that cannot be."""
    configure_logging("engine")
    try:
        settings = read_settings(EngineSettings)
    except SettingError as error:
        return give_up(str(error))
    status = asyncio.run(_serve(settings))
    # Not through the interpreter's end, which would pull the libraries from under the model's thread. There is nothing
    # to save: who was being answered sees the connection close.
    os._exit(status)


async def _serve(settings: EngineSettings) -> int:
    metrics = Metrics()
    engine = Engine(settings, metrics)
    runner = web.AppRunner(Server(settings, engine, metrics).application(), handler_cancellation=True, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        return give_up(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): "
            "stop what listens there, or set STATIC_BATCH_PORT and STATIC_BATCH_HOST"
        )
    threading.Thread(target=engine.serve, name="model", daemon=True).start()
    log.info("engine loads", address=f"http://{settings.host}:{settings.port}", model=settings.model)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    log.info("engine stops")
    return 0


if __name__ == "__main__":
    sys.exit(main())
