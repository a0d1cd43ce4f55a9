"""The peer treats callers as badly as it promises: real connections to a real process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from mesh.chaos.faults.mesh.peer import ADDRESS, BLACK_HOLE, PORT, RESET, command

pytestmark = pytest.mark.processes

PATIENCE = 30.0
A_MOMENT = 0.2
REQUEST = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@contextmanager
def peer(how: str) -> Iterator[str]:
    """The address of one that listens; of its own, because its port is everybody's."""
    address = f"127.{os.getpid() % 100 + 100}.{os.getpid() // 100 % 250}.1"
    _, *arguments = command(how)
    process = subprocess.Popen([sys.executable, *arguments], env={**os.environ, ADDRESS: address})
    try:
        yield address
    finally:
        process.kill()
        process.wait()


def connected(address: str) -> socket.socket:
    """A connection to it, as soon as it listens."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection((address, PORT), timeout=PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise


def asked(address: str) -> bytes:
    """What it answers to a request."""
    with connected(address) as connection:
        connection.sendall(REQUEST)
        return connection.recv(1)


def crowd(address: str, count: int) -> None:
    """So many connections at the same time."""
    with ExitStack() as held:
        for _ in range(count):
            held.enter_context(socket.create_connection((address, PORT), timeout=A_MOMENT))


def test_a_connection_is_torn_down() -> None:
    with peer(RESET) as address, pytest.raises(ConnectionError):
        asked(address)


def test_nothing_ever_comes_back_and_soon_nobody_gets_in() -> None:
    with peer(BLACK_HOLE) as address, connected(address) as connection:
        connection.sendall(REQUEST)
        connection.settimeout(A_MOMENT)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        with pytest.raises(TimeoutError):
            crowd(address, 3)
