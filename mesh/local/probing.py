"""Does a part answer? One HTTP request over a fresh, verified connection: small enough to ask twenty times a second."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

from mesh.local.part import Probe

TIMEOUT = 2.0


def context_of(probe: Probe) -> ssl.SSLContext | None:
    """The TLS settings of `probe`, None for plain HTTP. Raises OSError when a file is missing."""
    if not probe.url.startswith("https:"):
        return None
    context = ssl.create_default_context(cafile=probe.ca)
    if probe.certificate:
        context.load_cert_chain(probe.certificate, probe.key)
    return context


async def answers(probe: Probe, context: ssl.SSLContext | None) -> bool:
    """Whether the probed address answers 200 within two seconds."""
    try:
        async with asyncio.timeout(TIMEOUT):
            return await _status(probe.url, context) == "200"
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


async def _status(url: str, context: ssl.SSLContext | None) -> str:
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port, ssl=context)
    try:
        path = f"{at.path}?{at.query}" if at.query else at.path
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        status_line = await reader.readline()
    finally:
        writer.close()
    words = status_line.decode("ascii", errors="replace").split()
    return words[1] if len(words) > 1 else ""
