"""Who can be called in a service's place, and treats callers badly? A program in a pod of its own that knows two ways.

    reset       takes every connection and tears it down (RST)
    black-hole  lets one connection come about, and none after it, and never says a word

`python -c SOURCE HOW` listens at $ADDRESS until it is killed. It needs nothing of ours.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
from pathlib import Path

PORT = 50051
ADDRESS = "ADDRESS"
RESET, BLACK_HOLE = "reset", "black-hole"
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


def command(how: str) -> list[str]:
    """How a pod runs this: with its source, which the services' image need not have."""
    return ["python", "-c", Path(__file__).read_text(encoding="utf-8"), how]


def serve(listening: socket.socket, how: str) -> None:
    """Treat callers so, until killed."""
    if how == BLACK_HOLE:
        listening.listen(0)  # the kernel answers the first; when nobody takes it, it drops what the others send
        signal.pause()
    listening.listen()
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        connection.close()


if __name__ == "__main__":
    serve(socket.create_server((os.environ[ADDRESS], PORT)), sys.argv[1])
