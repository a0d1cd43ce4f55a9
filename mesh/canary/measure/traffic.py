"""What do the versions get just now, before anybody changes a weight?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mesh.canary.measure.difference import Delta, NoData, difference
from mesh.canary.measure.source import Source


async def seen_for(source: Source, versions: Sequence[str], seconds: float) -> Delta | NoData:
    """What the callers of `versions` see for so many seconds; longer where the source has news more rarely."""
    before = await source.read()
    await asyncio.sleep(max(seconds, source.least_seconds))
    return difference(before, await source.read(), versions)
