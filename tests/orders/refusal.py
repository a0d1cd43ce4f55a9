"""How does an order end that is refused?"""

from __future__ import annotations

import pytest
from grpc.aio import AioRpcError
from shop.orders.v1 import orders_pb2

from tests.orders.shop import Shop


async def refusal(shop: Shop, request: orders_pb2.PlaceOrderRequest, within: float = 10.0) -> AioRpcError:
    with pytest.raises(AioRpcError) as caught:
        await shop.orders.PlaceOrder(request, timeout=within)
    return caught.value


def pushback(error: AioRpcError) -> str:
    return str(dict(error.trailing_metadata() or ()).get("grpc-retry-pushback-ms", ""))
