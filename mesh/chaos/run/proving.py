"""Is it there, or gone? Asked until an independent look says so, or patience ends."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import httpx2
from lightkube import ApiError

from mesh.chaos.faults.fault import Fault, Memory, Proof
from mesh.chaos.site import Site
from mesh.local.problems import LocalClusterError
from mesh.running_shop import ShopError

PATIENCE = 15.0  # seconds: configuration is everywhere within one, a probe looks every few
LOOK_EVERY = 0.3

CANNOT_LOOK = (ApiError, httpx2.HTTPError, ShopError, LocalClusterError, OSError, TimeoutError)


async def proof_of(fault: Fault, site: Site, memory: Memory, *, present: bool) -> Proof:
    """What is seen of the fault: as soon as it is as `present` says, else what the last look saw."""
    until = time.monotonic() + PATIENCE
    while True:
        seen = await look(fault, site, memory)
        if seen.present is present or time.monotonic() > until:
            return replace(seen, detail=f"{fault.kind}: {seen.detail}")
        await asyncio.sleep(LOOK_EVERY)


async def look(fault: Fault, site: Site, memory: Memory) -> Proof:
    """One look; one that fails cannot tell."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await fault.proof(site, memory)
    except CANNOT_LOOK as error:
        return Proof(None, f"it cannot be looked at: {error or type(error).__name__}")
