"""How soon after a VirtualService is changed do all sidecars act on it?

A route of catalog gets a new name, which travels like any other change: API server, istiod, every sidecar. Each
Envoy's own config_dump says when it took the routes over, so nothing has to be polled fast enough to disturb it.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from statistics import median
from typing import Any

import aiohttp
from lightkube import AsyncClient
from lightkube.types import PatchType

from loadtest.bench.local_cluster import running_cluster
from loadtest.bench.row import BenchUnavailable, Row
from mesh.istio_kinds import VirtualService

FLIPS = 15
LIVE_WITHIN = 10.0  # seconds
LOOK_EVERY = 0.1
CATALOG = "catalog"


async def measure(say: Callable[[str], None]) -> list[Row]:
    """Median and worst of a few changes. Raises BenchUnavailable."""
    async with (
        running_cluster(say) as cluster,
        cluster.client() as client,
        aiohttp.ClientSession(trust_env=False) as http,
        _route_name(client) as name_route,
    ):
        sidecars = cluster.sidecars()
        seconds = []
        for number in range(FLIPS + 1):
            say(f"change {number} of {FLIPS}, {len(sidecars)} sidecars")
            seconds.append(await _change(http, sidecars, f"bench-{number}", name_route))
    counted = [1000 * each for each in seconds[1:]]  # the first one warms up istiod
    return [
        Row.at_most("routes: a change is live in every sidecar, median", round(median(counted)), 300, "ms"),
        Row.context("routes: the slowest of them", round(max(counted)), "ms"),
        Row.context("routes: sidecars", len(sidecars), ""),
    ]


@asynccontextmanager
async def _route_name(client: AsyncClient) -> AsyncIterator[Callable[[str], Any]]:
    """A coroutine function that names catalog's first route; the old name comes back at the end."""
    before = await client.get(VirtualService, CATALOG)
    spec: Any = before["spec"]
    old = spec["http"][0].get("name", "")

    async def name_route(name: str) -> None:
        patch = [{"op": "add", "path": "/spec/http/0/name", "value": name}]
        await client.patch(VirtualService, CATALOG, patch, patch_type=PatchType.JSON)

    try:
        yield name_route
    finally:
        await name_route(old)


async def _change(
    http: aiohttp.ClientSession, sidecars: Mapping[str, str], name: str, name_route: Callable[[str], Any]
) -> float:
    """Seconds from before the request to the API until the last sidecar has taken the change over."""
    begin = time.time()  # not monotonic: it is compared with the Envoys' own timestamps
    await name_route(name)
    waiting = dict(sidecars)
    taken: list[float] = []
    while waiting:
        if time.time() - begin > LIVE_WITHIN:
            raise BenchUnavailable(f"a route change did not reach {sorted(waiting)} within {LIVE_WITHIN:.0f} s")
        await asyncio.sleep(LOOK_EVERY)
        for pod, admin in tuple(waiting.items()):
            url = f"http://{admin}/config_dump?resource=dynamic_route_configs"
            async with http.get(url) as response:
                when = taken_over(await response.json(content_type=None), name)
            if when is not None:
                taken.append(when)
                del waiting[pod]
    return max(taken) - begin


def taken_over(dump: Mapping[str, Any], name: str) -> float | None:
    """Seconds since the epoch when an Envoy took over the last of the routes with this name; None if it has none."""
    times = [
        datetime.fromisoformat(config["last_updated"]).timestamp()
        for config in dump.get("configs", ())
        if f'{name}"' in json.dumps(config.get("route_config", {}))
    ]
    return max(times, default=None)
