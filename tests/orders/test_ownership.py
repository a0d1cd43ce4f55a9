"""A registered customer's orders are that customer's: others neither see nor change nor place them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.orders.v1 import orders_pb2

from services.hosting.caller import HEADER
from services.hosting.customer import CUSTOMER_HEADER, ROLE_HEADER
from tests.hosting.running import blamed, reason
from tests.orders.shop import Shop, order_of

Metadata = Sequence[tuple[str, str]]

ATALANTA, MEDEA = (f"user-00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
GATEWAY = (HEADER, "By=spiffe://cluster.local/ns/shop/sa/orders;URI=spiffe://cluster.local/ns/shop/sa/gateway")
AUDITOR = (HEADER, "By=spiffe://cluster.local/ns/shop/sa/orders;URI=spiffe://cluster.local/ns/shop/sa/auditor")


def token(customer_id: str, role: str = "customer") -> Metadata:
    return [GATEWAY, (CUSTOMER_HEADER, customer_id), (ROLE_HEADER, role)]


ADMIN = token("user-00000000-0000-4000-8000-00000000000a", "admin")
NOT_ATALANTA: list[Metadata] = [[GATEWAY], token(MEDEA)]


async def placed(shop: Shop, customer_id: str) -> orders_pb2.Order:
    return (await shop.orders.PlaceOrder(order_of(("mug", 1), customer_id=customer_id))).order


async def listed(shop: Shop, metadata: Metadata, customer_id: str = "") -> list[str]:
    request = orders_pb2.ListOrdersRequest(customer_id=customer_id)
    return [order.order_id for order in (await shop.orders.ListOrders(request, metadata=metadata)).orders]


async def told(shop: Shop, order: orders_pb2.Order, metadata: Metadata) -> list[orders_pb2.Order]:
    """What GetOrder, WatchOrder and CancelOrder say of an order."""
    order_id = order.order_id
    watching = shop.orders.WatchOrder(orders_pb2.WatchOrderRequest(order_id=order_id), metadata=metadata)
    return [
        (await shop.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id), metadata=metadata)).order,
        [answer.order async for answer in watching][-1],
        (await shop.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id), metadata=metadata)).order,
    ]


@pytest.mark.parametrize("metadata", NOT_ATALANTA, ids=["guest", "another"])
async def test_anothers_order_is_not_found(shop: Shop, metadata: Metadata) -> None:
    order = await placed(shop, ATALANTA)
    order_id = order.order_id
    for call in (
        shop.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id), metadata=metadata),
        shop.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id), metadata=metadata),
        shop.orders.WatchOrder(orders_pb2.WatchOrderRequest(order_id=order_id), metadata=metadata).read(),
    ):
        with pytest.raises(AioRpcError) as caught:
            await call
        assert (caught.value.code(), reason(caught.value)) == (StatusCode.NOT_FOUND, "ORDER_NOT_FOUND")
    assert await shop.only_order() == order


@pytest.mark.parametrize("metadata", NOT_ATALANTA, ids=["guest", "another"])
async def test_nobody_orders_for_or_lists_another(shop: Shop, metadata: Metadata) -> None:
    for call in (
        shop.orders.PlaceOrder(order_of(("mug", 1), customer_id=ATALANTA), metadata=metadata),
        shop.orders.ListOrders(orders_pb2.ListOrdersRequest(customer_id=ATALANTA), metadata=metadata),
    ):
        with pytest.raises(AioRpcError) as caught:
            await call
        assert (caught.value.code(), reason(caught.value)) == (StatusCode.PERMISSION_DENIED, "NOT_YOURS")
        assert blamed(caught.value) == ["customer_id"]
    assert not await listed(shop, [])


async def test_a_key_of_anothers_order_tells_nothing_of_it(shop: Shop) -> None:
    request = order_of(("mug", 1), customer_id=ATALANTA)
    await shop.orders.PlaceOrder(request)
    request.customer_id = "guest-1"
    with pytest.raises(AioRpcError) as caught:
        await shop.orders.PlaceOrder(request, metadata=[GATEWAY])
    assert (caught.value.code(), reason(caught.value)) == (StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("metadata", [token(ATALANTA), ADMIN, [AUDITOR], []], ids=["own", "admin", "inside", "no mesh"])
async def test_ones_own_order_and_for_an_admin_everybodys_can_be_seen_and_cancelled(
    shop: Shop, metadata: Metadata
) -> None:
    order = (await shop.orders.PlaceOrder(order_of(("mug", 1), customer_id=ATALANTA), metadata=metadata)).order
    seen, watched, cancelled = await told(shop, order, metadata)
    assert (seen, watched) == (order, order)
    assert cancelled.state == orders_pb2.ORDER_STATE_CANCELLED


async def test_a_guests_order_is_for_whoever_knows_it(shop: Shop) -> None:
    order = await placed(shop, "guest-1")
    for metadata in ([GATEWAY], token(MEDEA)):
        assert await listed(shop, metadata, "guest-1") == [order.order_id]
        assert (await told(shop, order, metadata))[-1].state == orders_pb2.ORDER_STATE_CANCELLED


async def test_without_naming_anybody_one_lists_ones_own_and_who_may_everybodys(shop: Shop) -> None:
    own = [(await placed(shop, customer_id)).order_id for customer_id in (ATALANTA, MEDEA, "guest-1")]
    assert await listed(shop, token(ATALANTA)) == own[:1]
    for metadata in (ADMIN, [AUDITOR], []):
        assert await listed(shop, metadata) == own[::-1]
    assert await listed(shop, ADMIN, MEDEA) == own[1:2]
    with pytest.raises(AioRpcError) as caught:
        await listed(shop, [GATEWAY])
    assert (caught.value.code(), blamed(caught.value)) == (StatusCode.INVALID_ARGUMENT, ["customer_id"])
