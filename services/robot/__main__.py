"""``python -m services.robot``: the robot gateway, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys

import structlog
from aiohttp import web

from services.observability import configure_logging
from services.robot.app import create_app
from services.robot.process import exit_now
from services.robot.settings import GatewaySettings
from services.settings import SettingError, read_settings

SHUTDOWN_TIMEOUT_S = 2.0


async def serve(settings: GatewaySettings) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    log = structlog.get_logger(__name__)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    runner = web.AppRunner(create_app(settings), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.gateway_host, settings.gateway_port)
        try:
            await site.start()
        except OSError:
            print(
                f"The robot gateway cannot listen on {settings.gateway_host}:{settings.gateway_port}: the port is "
                "taken or the address is not this machine's. Set GATEWAY_PORT or GATEWAY_HOST to others.",
                file=sys.stderr,
            )
            return 1
        log.info("listening", url=f"http://{settings.gateway_host}:{runner.addresses[0][1]}")
        await stopping.wait()
    finally:
        await runner.cleanup()
    log.info("stopped")
    return 0


def main() -> int:
    """Read the settings and serve; return the exit status."""
    configure_logging("robot-gateway")
    try:
        settings = read_settings(GatewaySettings)
    except SettingError as error:
        print(f"The robot gateway does not start: {error}.", file=sys.stderr)
        return 2
    return asyncio.run(serve(settings))


if __name__ == "__main__":
    exit_now(main())
