"""Does the service in this container serve? `python -m services.hosting.probe`: exit code 0 yes, 1 no.

It asks the address of LISTEN_ADDRESS, for those who run containers and cannot ask gRPC health themselves, as Docker;
Kubernetes can, and starts no process for it.
"""

from __future__ import annotations

import asyncio
import os
import sys

from grpc.aio import AioRpcError
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from mesh.resilience import MethodPolicy, PeerPolicy, open_peer
from services.hosting.settings import HostSettings, settings_or_exit

POLICY = PeerPolicy(methods={"/grpc.health.v1.Health/Check": MethodPolicy(timeout=3.0)})


def target(listen_address: str) -> str:
    """Where somebody in the same container reaches who listens at `listen_address`."""
    host, _, port = listen_address.rpartition(":")
    if host in {"0.0.0.0", "[::]"}:
        return f"{'127.0.0.1' if host == '0.0.0.0' else '[::1]'}:{port}"
    return listen_address


async def problem(address: str) -> str:
    """Why the service at `address` does not serve; nothing when it does."""
    async with open_peer("this service", target=address, policy=POLICY) as peer:
        try:
            answer = await peer.stub(HealthStub).Check(HealthCheckRequest())
        except AioRpcError as error:
            return f"{address}: {error.code().name}: {error.details()}"
    status = HealthCheckResponse.ServingStatus.Name(answer.status)
    return "" if answer.status == HealthCheckResponse.SERVING else f"{address}: {status}"


def main() -> None:
    settings = settings_or_exit(HostSettings, os.environ)
    sys.exit(asyncio.run(problem(target(settings.listen_address))) or 0)


if __name__ == "__main__":
    main()
