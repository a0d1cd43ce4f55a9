"""What if the tool is killed right before or right after a write? `python dying.py DIED WHICH canary start ...`.

It is `argosy`, but for each kind of write to the API server whose label WHICH (a pattern) matches, the process kills
itself twice: once before it has sent it, and once when the server has done it and the answer is not yet read. DIED is
a file with the moments at which a process before this one has died, so that each life gets further than the last.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import httpx2

from mesh.__main__ import main

WRITES = {"POST", "PUT", "PATCH", "DELETE"}


def label(request: httpx2.Request) -> str:
    """What is written: the object, and of a journal's entry its kind, of a route its weights."""
    path = request.url.path
    inside = path.partition("/namespaces/")[2]  # shop/configmaps/canary-catalog
    kind = inside.split("/")[1] if inside else path.rsplit("/", 1)[1]
    return f"{request.method} {kind} {_content(kind, request.content.decode())}".strip()


def _content(kind: str, body: str) -> str:
    if not body:
        return ""
    if kind == "configmaps":
        entries = [json.loads(line) for line in _texts(json.loads(body)) if line.startswith("{")]
        entries = [each for each in entries if "facts" in each]
        return _entry(entries[0]) if len(entries) == 1 else f"{'all' if entries else 'no'} entries"
    if kind == "virtualservices":
        changes = [each for each in json.loads(body) if each["op"] != "test"]
        return "/".join(re.findall(r'"weight": (\d+)', json.dumps(changes))) or changes[0]["op"]
    return ""


def _entry(entry: dict[str, Any]) -> str:
    facts = entry["facts"]
    return " ".join(str(each) for each in (entry["kind"], facts.get("action"), facts.get("to")) if each)


def _texts(document: Any) -> list[str]:
    """Every string in a document."""
    if isinstance(document, str):
        return [document]
    inside = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [text for each in inside for text in _texts(each)]


def die_at(died: Path, which: re.Pattern[str]) -> None:
    """From now on, die at the first write that matches and at which nobody has died yet."""
    send = httpx2.AsyncHTTPTransport.handle_async_request

    def die_once(moment: str) -> None:
        if moment not in died.read_text().splitlines():
            with died.open("a") as file:
                file.write(moment + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

    async def sent(transport: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> httpx2.Response:
        dry = "dryRun" in request.url.params
        if request.method not in WRITES or dry or not which.search(name := label(request)):
            return await send(transport, request)
        die_once(f"before {name}")
        response = await send(transport, request)
        die_once(f"after {name}")
        return response

    httpx2.AsyncHTTPTransport.handle_async_request = sent  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    _, file, pattern, *sys.argv[1:] = sys.argv
    die_at(Path(file), re.compile(pattern))
    sys.argv[0] = "argosy"
    main()
