"""A service that holds its answers until the file HOLD_UNTIL exists: `python -m tests.hosting.holding`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse, Product

from services.hosting import Host, Hosted, HostSettings, run
from tests.hosting.four import FOUR, Servicer, add_four


@dataclass(frozen=True, kw_only=True)
class HoldingSettings(HostSettings):
    service_name: str = "holding"
    hold_until: Path


@asynccontextmanager
async def build(settings: HoldingSettings, host: Host) -> AsyncIterator[Hosted]:
    async def hold(request: GetProductRequest, _: Any) -> GetProductResponse:
        if request.product_id == "held":
            host.logger.info("holding")
            while not settings.hold_until.exists():
                await asyncio.sleep(0.01)
        return GetProductResponse(product=Product(id="mug"))

    async def sweep() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            host.logger.info("swept")

    yield Hosted([(FOUR, Servicer(hold), add_four)], background=[sweep])
    host.logger.info("unbuilt")


if __name__ == "__main__":
    run(HoldingSettings, build)
