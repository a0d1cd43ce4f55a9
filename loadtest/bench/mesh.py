"""What do two sidecars with mTLS cost a call?

A pod inside the mesh (mesh_client.py) calls the same catalog process on two paths: through its own sidecar and
catalog's, and straight at the unix socket on which catalog serves its sidecar. Same server process, same request,
same client process, one sitting, blocks in turn; every round gives one ratio and the median counts. The target is
held against grpc.health.v1.Health/Check, which does nothing: a call that does something makes the mesh look cheaper.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from lightkube import AsyncClient
from lightkube.codecs import load_all_yaml
from lightkube.resources.core_v1 import Pod

import mesh.istio_kinds  # noqa: F401  # so that the manifest's AuthorizationPolicy is a known kind
from loadtest.bench.local_cluster import running_cluster
from loadtest.bench.row import BenchUnavailable, Row
from mesh.local.absence import absence_is_fine

MANIFEST = Path(__file__).with_name("mesh_client.yaml")
NAME = "bench"
ENDS_WITHIN = 240.0  # seconds


async def measure(say: Callable[[str], None]) -> list[Row]:
    """The ratios that have targets, and the times behind them. Raises BenchUnavailable."""
    async with running_cluster(say) as cluster, cluster.client() as client:
        direct = server_socket(await cluster.status() or {})
        say("a pod calls catalog directly and through two sidecars, in turn")
        arguments = [f"unix:{direct}", "$(ARGOSY_EGRESS_IP):50051", "catalog:50051"]
        async with _pod(client, arguments):
            blocks = await _result(client)
    return rows(blocks)


def rows(blocks: Sequence[Mapping[str, Any]]) -> list[Row]:
    """What the blocks say. Raises BenchUnavailable when the two paths did not end at the same server."""
    pods = {block["pod"] for block in blocks if block["rpc"] == "GetProduct"}
    if len(pods) != 1:
        raise BenchUnavailable(f"the paths ended at different servers: {sorted(pods)}")
    check_times, check_rates = _ratios(blocks, "Check", 1, "p50_ms"), _ratios(blocks, "Check", 16, "rate")
    get_times = _ratios(blocks, "GetProduct", 1, "p50_ms")
    return [
        Row.at_most("mesh: p50 through two sidecars / direct, Check", round(median(check_times), 2), 2.6, "x"),
        Row.at_least("mesh: rate kept at 16 in flight, Check", round(median(check_rates), 2), 0.45, "x"),
        Row.context("mesh: p50 direct, Check", _median(blocks, "Check", "direct", 1, "p50_ms"), "ms"),
        Row.context("mesh: p50 through two sidecars, Check", _median(blocks, "Check", "mesh", 1, "p50_ms"), "ms"),
        Row.context("mesh: rate direct at 16 in flight, Check", _median(blocks, "Check", "direct", 16, "rate"), "/s"),
        Row.context("mesh: p50 through two sidecars / direct, GetProduct", round(median(get_times), 2), "x"),
    ]


def _ratios(blocks: Sequence[Mapping[str, Any]], rpc: str, in_flight: int, number: str) -> list[float]:
    """One ratio, mesh / direct, for every round."""
    chosen = [block for block in blocks if (block["rpc"], block["in_flight"]) == (rpc, in_flight)]
    by_path = {(block["path"], block["round"]): block[number] for block in chosen}
    return [value / by_path["direct", each] for (path, each), value in by_path.items() if path == "mesh"]


def _median(blocks: Sequence[Mapping[str, Any]], rpc: str, path: str, in_flight: int, number: str) -> float:
    wanted = (rpc, path, in_flight)
    return round(median(float(b[number]) for b in blocks if (b["rpc"], b["path"], b["in_flight"]) == wanted), 3)


def server_socket(status: Mapping[str, Any]) -> str:
    """The unix socket on which catalog v1 serves its sidecar. Raises BenchUnavailable."""
    for pod in status["pods"]:
        for container in pod["containers"]:
            if container["name"] == "catalog" and pod["version"] == "v1" and container["pid"]:
                return psutil.Process(container["pid"]).environ()["ARGOSY_SOCKET"]
    raise BenchUnavailable("no pod of catalog v1 is running")


@asynccontextmanager
async def _pod(client: AsyncClient, arguments: Sequence[str]) -> AsyncIterator[None]:
    """The pod and its permission; both are gone afterwards, also when the last bench was killed."""
    resources: list[Any] = load_all_yaml(MANIFEST.read_text())
    await _remove(client, resources)
    try:
        for resource in resources:
            if isinstance(resource, Pod) and resource.spec:
                resource.spec.containers[0].args = list(arguments)
            await client.create(resource)
        yield
    finally:
        await _remove(client, resources)


async def _remove(client: AsyncClient, resources: Sequence[Any]) -> None:
    """Delete them and wait until they are gone."""
    for resource in resources:
        with absence_is_fine():
            await client.delete(type(resource), resource.metadata.name)
            while True:
                await client.get(type(resource), resource.metadata.name)
                await asyncio.sleep(0.2)


async def _result(client: AsyncClient) -> list[Mapping[str, Any]]:
    """What the pod has printed when it ends. Raises BenchUnavailable with its last words when it fails."""
    limit = time.monotonic() + ENDS_WITHIN
    code = None
    while code is None:
        if time.monotonic() > limit:
            raise BenchUnavailable(f"the bench's pod did not end within {ENDS_WITHIN:.0f} s")
        await asyncio.sleep(0.5)
        code = exit_code(await client.get(Pod, NAME))
    lines = [line async for line in client.log(NAME, container=NAME)]
    if code:
        raise BenchUnavailable(f"the bench's pod failed: {''.join(lines[-1:]).strip()}")
    found: list[Mapping[str, Any]] = json.loads(lines[-1])
    return found


def exit_code(pod: Pod) -> int | None:
    """How the bench's container ended; None while it runs."""
    for container in (pod.status and pod.status.containerStatuses) or ():
        if container.name == NAME and container.state and container.state.terminated:
            return container.state.terminated.exitCode
    return None
