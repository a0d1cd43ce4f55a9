import os
import socket

from mesh.local.ports import takers


def test_a_taken_port_is_reported_with_its_taker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = takers([port])
        assert list(found) == [port]
        assert f"pid {os.getpid()}" in found[port]
    assert takers([port]) == {}


def test_a_port_taken_on_all_addresses_is_taken_on_loopback_too() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        assert list(takers([port])) == [port]
