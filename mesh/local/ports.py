"""Which ports are taken, and by whom?"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Mapping

import psutil

from mesh.local.addresses import LOOPBACK


def takers(ports: Iterable[int]) -> dict[int, str]:
    """Those of `ports` that nobody else can listen on at 127.0.0.1, each with a description of who has it."""
    taken = [port for port in ports if not _free(port)]
    listeners = _listeners() if taken else {}
    return {port: listeners.get(port, "a process that is not yours to see") for port in taken}


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections of an ended cluster in TIME_WAIT are no obstacle to the next one's programs either.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def _listeners() -> Mapping[int, str]:
    found: dict[int, str] = {}
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.pid and connection.laddr:
            found[connection.laddr.port] = _describe(connection.pid)
    return found


def _describe(pid: int) -> str:
    try:
        words = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return f"pid {pid}"
    return f"{words[:60]}{'...' if len(words) > 60 else ''} (pid {pid})"  # noqa: PLR2004
