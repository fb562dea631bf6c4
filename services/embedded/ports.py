"""Loopback ports that stay ours for as long as we hold them, through restarts of whoever listens on them."""

from __future__ import annotations

import socket


class PortTaken(Exception):
    """Another process listens on the port that was asked for."""


class LoopbackDown(Exception):
    """The network interface ``lo`` is there but not up, as in a network namespace that nobody has set up."""


def check_loopback() -> None:
    """Find a way to 127.0.0.1, over which nothing is sent yet.

    Raises:
        LoopbackDown: there is none.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("127.0.0.1", 9))
        except OSError as error:
            raise LoopbackDown("This machine's loopback is down: bring it up with `ip link set lo up`.") from error


def reserve_port(port: int = 0) -> socket.socket:
    """Bind, and never listen on, ``port`` of 127.0.0.1 (0: any free one).

    A bound socket that does not listen keeps the kernel from giving the port away, to servers and to outgoing
    connections alike, while a server that sets SO_REUSEADDR or SO_REUSEPORT, as they all do, can still listen on it.
    Close the socket to give the port back.

    Raises:
        PortTaken: somebody listens there already, or the port needs root.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", port))
    except OSError as error:
        holder.close()
        raise PortTaken(f"port {port} cannot be used: {error.strerror}") from error
    return holder


def port_of(holder: socket.socket) -> int:
    """The port that ``reserve_port`` holds."""
    port: int = holder.getsockname()[1]
    return port
