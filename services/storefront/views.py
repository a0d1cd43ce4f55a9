"""How does recommendations learn who looked at what? Told beside the page, which never waits for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from grpc.aio import AioRpcError
from shop.recommendations.v1.recommendations_pb2 import RecordViewRequest

from mesh.resilience import deadline
from services.storefront.shop import BRIEFLY, Shop

MOST = 100
"""Told at once: while recommendations is slow, views are forgotten and not piled up."""


class Views:
    """The views that are being told."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._telling: set[asyncio.Task[None]] = set()

    def tell(self, customer_id: str, product_id: str) -> None:
        """Let recommendations know, if it can be."""
        if len(self._telling) < MOST:
            task = asyncio.create_task(self._told(RecordViewRequest(customer_id=customer_id, product_id=product_id)))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def end(self) -> None:
        """Wait for those that are being told."""
        await asyncio.gather(*self._telling)

    async def _told(self, request: RecordViewRequest) -> None:
        with deadline.detached(), suppress(AioRpcError):
            await self._shop.recommendations.RecordView(request, timeout=BRIEFLY)
