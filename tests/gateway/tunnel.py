"""Stands in for `kubectl port-forward`: answers every line with its process id, and ends when it is told to.

Run as a script: tunnel.py MEMORY ARGUMENT..., where the file MEMORY says how often it may still start.
"""

from __future__ import annotations

import os
import socketserver
import sys
import threading
from pathlib import Path


class Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            if line == b"end\n":
                os._exit(1)
            self.wfile.write(b"%d\n" % os.getpid())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def chatter() -> None:
    """As kubectl does with every connection; more than a pipe holds."""
    sys.stdout.write("Handling connection for 8080\n" * 20_000)
    sys.stdout.flush()


def main(memory: Path, arguments: list[str]) -> None:
    left = int(memory.read_text())
    if not left:
        sys.exit('error: services "gateway" not found')
    memory.write_text(str(left - 1))
    local, _, port = arguments[-1].partition(":")
    with Server(("127.0.0.1", int(local or 0)), Answering) as server:
        sys.stdout.write(f"Forwarding from 127.0.0.1:{server.server_address[1]} -> {port}\n")
        sys.stdout.flush()
        threading.Thread(target=chatter, daemon=True).start()
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
