"""What do the sidecars answer somebody inside, whatever he says he is?

`python -c SOURCE JSON` runs in a pod of the mesh. JSON is a mapping of names to calls: target (host:port), path,
metadata, body in hex. It prints one JSON object {name: status code}, and needs grpc and nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc

DEADLINE = 10.0


def command(calls: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """How a pod runs this."""
    return ["python", "-c", Path(__file__).read_text(encoding="utf-8"), json.dumps(calls)]


def answers(said: str) -> dict[str, str]:
    """What it has found out."""
    found: dict[str, str] = json.loads(*[line for line in said.splitlines() if line.startswith("{")])
    return found


def ask(call: Mapping[str, Any], egress: str) -> str:
    """The status code of one call."""
    target = call["target"]
    address = f"{egress}:{target.rsplit(':', 1)[1]}" if egress else target
    with grpc.insecure_channel(address, options=[("grpc.default_authority", target)]) as channel:
        method = channel.unary_unary(call["path"], request_serializer=bytes, response_deserializer=bytes)
        try:
            metadata = tuple(call.get("metadata", {}).items())
            method(bytes.fromhex(call.get("body", "")), timeout=DEADLINE, metadata=metadata, wait_for_ready=True)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


if __name__ == "__main__":
    egress = os.environ.get("MESH_EGRESS_ADDRESS", "")
    print(json.dumps({name: ask(call, egress) for name, call in json.loads(sys.argv[1]).items()}))  # noqa: T201
