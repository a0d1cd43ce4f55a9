"""What does the mesh answer somebody with no permission?

`python -c SOURCE TARGET/METHOD...` runs inside the cluster, calls every /METHOD of its TARGET (host:port) once with an
empty request and prints one JSON object {TARGET/METHOD: status code}. It needs grpc and nothing of ours.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from grpc import aio

DEADLINE = 5.0


def command(*calls: str) -> list[str]:
    """How a pod runs this: with its source, which the services' image does not have."""
    return ["python", "-c", Path(__file__).read_text(encoding="utf-8"), *calls]


def answers(said: str) -> dict[str, str]:
    """What it has found out, from all that its pod has said: grpc may have complained in between."""
    found: dict[str, str] = json.loads(*[line for line in said.splitlines() if line.startswith("{")])
    return found


async def ask_all(calls: list[str], egress: str) -> dict[str, str]:
    """The status code of each call; the targets are asked at the same time."""
    by_target: dict[str, list[str]] = {}
    for call in calls:
        by_target.setdefault(call.partition("/")[0], []).append(call)
    answers = await asyncio.gather(*(ask(target, asked, egress) for target, asked in by_target.items()))
    return {call: code for answered in answers for call, code in answered.items()}


async def ask(target: str, calls: list[str], egress: str) -> dict[str, str]:
    """The same of one target. Whether it can be reached is waited for, for a while: a sidecar may just be starting."""
    address = f"{egress}:{target.rsplit(':', 1)[1]}" if egress else target
    answers = {}
    async with aio.insecure_channel(address, options=[("grpc.default_authority", target)]) as channel:
        with suppress(TimeoutError):
            await asyncio.wait_for(channel.channel_ready(), DEADLINE)
        for call in calls:
            method = "/" + call.partition("/")[2]
            try:
                await channel.unary_unary(method, request_serializer=bytes)(b"", timeout=DEADLINE)
                answers[call] = "OK"
            except aio.AioRpcError as error:
                answers[call] = error.code().name
    return answers


if __name__ == "__main__":
    said = asyncio.run(ask_all(sys.argv[1:], os.environ.get("MESH_EGRESS_ADDRESS", "")))
    sys.stdout.write(json.dumps(said) + "\n")
