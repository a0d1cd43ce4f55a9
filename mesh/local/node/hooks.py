"""What runs when a container has started and before it is stopped? The pod's lifecycle hooks."""

from __future__ import annotations

import asyncio

from lightkube.models.core_v1 import LifecycleHandler

from mesh.local.node.probes import ProbeTarget, ask_http, execute


async def run_hook(handler: LifecycleHandler, target: ProbeTarget) -> None:
    """Run one hook to its end. Raises Unhealthy when it fails."""
    if handler.sleep:
        await asyncio.sleep(handler.sleep.seconds)
    elif handler.exec:
        await execute(handler.exec, target)
    elif handler.httpGet:
        await ask_http(handler.httpGet, target)
