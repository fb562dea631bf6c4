from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from services.embedded.ports import PortTaken, port_of, reserve_port


def test_a_server_can_listen_on_a_held_port_again_and_again() -> None:
    with reserve_port() as holder:
        for _ in range(2):
            with (
                socket.create_server(("127.0.0.1", port_of(holder))) as server,
                socket.create_connection(server.getsockname(), 2) as client,
            ):
                assert client.getpeername()[1] == port_of(holder)


def test_a_port_that_somebody_listens_on_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(PortTaken, match="cannot be used"):
        reserve_port(server.getsockname()[1])


def test_held_ports_are_not_given_to_others() -> None:
    with reserve_port() as holder:
        others = [reserve_port() for _ in range(200)]
        try:
            assert port_of(holder) not in {port_of(other) for other in others}
        finally:
            for other in others:
                other.close()


def test_loopback_that_is_down_is_told_at_once() -> None:
    code = "from services.embedded.ports import check_loopback; check_loopback()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    apart = ["unshare", "--user", "--net", sys.executable, "-c", code]  # a namespace of its own, whose loopback is down
    answer = subprocess.run(apart, capture_output=True, text=True, timeout=30)
    if answer.stderr.startswith("unshare: "):
        pytest.skip("no namespace of networks can be made here")
    assert "This machine's loopback is down: bring it up with `ip link set lo up`." in answer.stderr
