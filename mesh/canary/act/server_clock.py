"""What time is it in the cluster? Asked, because two operators' clocks differ and a Lease's expiry must not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lightkube import AsyncClient
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

_TRUNCATED = timedelta(seconds=0.5)  # the API server's stamps are whole seconds: on average so much is cut off


async def ahead(client: AsyncClient, *, namespace: str) -> timedelta:
    """How far the API server's clock is ahead of ours, to a second.

    The server stamps what it would have made, and makes nothing.
    """
    before = datetime.now(UTC)
    made = await client.create(Lease(metadata=ObjectMeta(generateName="clock-", namespace=namespace)), dry_run=True)
    between = before + (datetime.now(UTC) - before) / 2
    if made.metadata is None or made.metadata.creationTimestamp is None:
        raise ValueError("the API server does not say when it would have made a Lease")
    return made.metadata.creationTimestamp + _TRUNCATED - between
