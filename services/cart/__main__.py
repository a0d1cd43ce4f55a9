"""Cart, as a process: `python -m services.cart`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic.dataclasses import dataclass
from shop.cart.v1 import cart_pb2
from shop.cart.v1.cart_pb2_grpc import add_CartServiceServicer_to_server

from services.cart import policy
from services.cart.forgetting import Forgetter
from services.cart.servicer import CartServicer
from services.hosting import Host, Hosted, HostSettings, Migration, run

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, kw_only=True)
class CartSettings(HostSettings):
    service_name: str = "cart"


@asynccontextmanager
async def build(_: CartSettings, host: Host) -> AsyncIterator[Hosted]:
    async with host.database(MIGRATIONS) as database:
        service = cart_pb2.DESCRIPTOR.services_by_name["CartService"]
        yield Hosted(
            servicers=[(service, CartServicer(database, host.now), add_CartServiceServicer_to_server)],
            background=[Forgetter(database, host.now).run],
            policy=policy.SERVER,
        )


if __name__ == "__main__":
    run(CartSettings, build, Migration(CartSettings, MIGRATIONS))
