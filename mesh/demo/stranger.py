"""What does the mesh answer somebody with no permission?

`python -m mesh.demo.stranger TARGET METHOD...` runs inside the mesh, calls every METHOD once
with an empty request and prints one JSON object {method: status code}.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from grpc import aio

DEADLINE = 5.0


async def ask(target: str, methods: list[str], egress: str) -> dict[str, str]:
    """The status code of each method, asked once within 5 s; the sidecar must be ready by then."""
    address = f"{egress}:{target.rsplit(':', 1)[1]}" if egress else target
    answers = {}
    async with aio.insecure_channel(address, options=[("grpc.default_authority", target)]) as channel:
        await asyncio.wait_for(channel.channel_ready(), 3 * DEADLINE)
        for method in methods:
            try:
                await channel.unary_unary(method, request_serializer=bytes)(b"", timeout=DEADLINE)
                answers[method] = "OK"
            except aio.AioRpcError as error:
                answers[method] = error.code().name
    return answers


if __name__ == "__main__":
    said = asyncio.run(ask(sys.argv[1], sys.argv[2:], os.environ.get("MESH_EGRESS_ADDRESS", "")))
    sys.stdout.write(json.dumps(said) + "\n")
