"""How many calls arrive at a service just now? As its servers count them, not as those who send them believe."""

from __future__ import annotations

import asyncio
import time

from mesh.chaos.observe.asking import way_of
from mesh.chaos.observe.counters import STARTED, Counter
from mesh.chaos.observe.readings import Reading, read
from mesh.chaos.observe.served import growth
from mesh.chaos.site import Site
from mesh.pod_pages import Way

WATCHED = 1.0  # seconds


async def arrivals(site: Site, app: str) -> float:
    """Calls a second, shed ones included, at all of its servers."""
    async with way_of(site) as way:
        first = await _reading(site, way, app)
        await asyncio.sleep(WATCHED)
        last = await _reading(site, way, app)
    return growth([first, last]).get(Counter(STARTED, app), 0.0) / (last.at - first.at)


async def _reading(site: Site, way: Way, app: str) -> Reading:
    return await read(way, await site.shop.pods(app), time.monotonic)
