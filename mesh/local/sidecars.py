"""Do the sidecars have what istiod sent? Asked on both sides: istiod's acknowledgements, each Envoy's refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from mesh.local.sync import Sync, sync_of


async def ask_istiod(session: aiohttp.ClientSession, port: int) -> dict[str, Sync]:
    """The sidecars connected to istiod, by `<pod>.<namespace>`. Empty while istiod does not answer."""
    try:
        async with session.get(f"http://127.0.0.1:{port}/debug/syncz") as response:
            entries = await response.json(content_type=None) if response.ok else []
    except (aiohttp.ClientError, TimeoutError):
        return {}
    return {entry["proxy"]: sync_of(entry) for entry in entries or []}


async def count_rejected(session: aiohttp.ClientSession, admin: str) -> int | None:
    """How many configurations the Envoy with this admin address has ever rejected; None when it does not answer."""
    try:
        async with session.get(f"http://{admin}/stats", params={"filter": r"\.update_rejected$"}) as response:
            return total(await response.text()) if response.ok else None
    except (aiohttp.ClientError, TimeoutError):
        return None


def total(stats: str) -> int:
    """The sum of the counters in Envoy's `name: value` lines."""
    return sum(int(line.rpartition(": ")[2]) for line in stats.splitlines() if line.strip())


async def count_all_rejected(session: aiohttp.ClientSession, admins: Mapping[str, str]) -> dict[str, int | None]:
    """`count_rejected` of every sidecar in `admins` (name -> admin address), asked at the same time."""
    counts = await asyncio.gather(*(count_rejected(session, admin) for admin in admins.values()))
    return dict(zip(admins, counts, strict=True))
