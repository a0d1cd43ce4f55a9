"""What does cart answer? The contract's five RPCs; every one of them first asks whose cart it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from grpc.aio import ServicerContext
from shop.cart.v1 import cart_pb2 as pb
from shop.cart.v1 import cart_pb2_grpc
from shop.money.v1.money_pb2 import Money

from services.cart import store
from services.cart.carts import Cart, Item, Price, added, checked_out, having
from services.cart.store import Deed, Kind
from services.hosting.clock import timestamp
from services.hosting.customer import customer_of
from services.hosting.database import Database
from services.hosting.errors import InvalidRequest, Violation

Context = ServicerContext[Any, Any]


class CartServicer(cart_pb2_grpc.CartServiceServicer):
    """Requests arrive validated; `now` is in microseconds since 1970."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database, self._now = database, now

    async def GetCart(self, request: pb.GetCartRequest, context: Context) -> pb.GetCartResponse:
        _require(context, customer_id=request.customer_id)
        return pb.GetCartResponse(cart=_message(await self._database.read(store.find, request.customer_id)))

    async def AddItem(self, request: pb.AddItemRequest, context: Context) -> pb.AddItemResponse:
        _require(context, customer_id=request.customer_id)
        now, item = self._now(), _item(request.item)
        deed = Deed(Kind.ADD, _same_uuid(request.idempotency_key), [item])
        decide = partial(added, item=item, now=now)
        cart = await self._database.write(store.once, request.customer_id, deed, decide, now)
        return pb.AddItemResponse(cart=_message(cart))

    async def SetItem(self, request: pb.SetItemRequest, context: Context) -> pb.SetItemResponse:
        _require(context, customer_id=request.customer_id)
        decide = partial(having, item=_item(request), now=self._now())
        return pb.SetItemResponse(cart=_message(await self._database.write(store.change, request.customer_id, decide)))

    async def MergeCarts(self, request: pb.MergeCartsRequest, context: Context) -> pb.MergeCartsResponse:
        source, target = request.from_customer_id, request.into_customer_id
        _require(context, from_customer_id=source, into_customer_id=target)
        if source == target:
            raise InvalidRequest("SAME_CART", "is the cart to merge into", field="from_customer_id")
        return pb.MergeCartsResponse(
            cart=_message(await self._database.write(store.merge, source, target, self._now()))
        )

    async def CheckOut(self, request: pb.CheckOutRequest, context: Context) -> pb.CheckOutResponse:
        _require(context, customer_id=request.customer_id)
        now, ordered = self._now(), _each_product_once(request.items)
        deed = Deed(Kind.CHECK_OUT, _same_uuid(request.order_id), ordered)
        decide = partial(checked_out, ordered=ordered, now=now)
        cart = await self._database.write(store.once, request.customer_id, deed, decide, now)
        return pb.CheckOutResponse(cart=_message(cart))


def _require(context: Context, **owners: str) -> None:
    """Raises Forbidden unless the carts of these owners, named by their fields, are the caller's to use."""
    customer = customer_of(context.invocation_metadata())
    for field, owner in owners.items():
        customer.require_use(owner, field)


def _same_uuid(text: str) -> str:
    """One spelling for one UUID: a key in capitals must not count a second time."""
    return str(UUID(text))


def _each_product_once(items: Sequence[pb.CartItem]) -> list[Item]:
    """The items by product, without prices: the same order in another spelling is the same order."""
    pieces: dict[str, int] = {}
    repeated = []
    for index, item in enumerate(items):
        if item.product_id in pieces:
            repeated.append(Violation(f"items[{index}].product_id", "is in an earlier item already"))
        pieces[item.product_id] = item.quantity
    if repeated:
        raise InvalidRequest.of(repeated)
    return [Item(product_id, quantity) for product_id, quantity in sorted(pieces.items())]


def _item(given: pb.CartItem | pb.SetItemRequest) -> Item:
    seen = given.seen_price
    price = Price(seen.currency_code, seen.units, seen.nanos) if given.HasField("seen_price") else None
    return Item(given.product_id, given.quantity, price)


def _message(cart: Cart) -> pb.Cart:
    return pb.Cart(
        customer_id=cart.customer_id,
        items=[
            pb.CartItem(
                product_id=item.product_id,
                quantity=item.quantity,
                seen_price=Money(**item.seen_price._asdict()) if item.seen_price else None,
            )
            for item in cart.items
        ],
        update_time=timestamp(cart.updated) if cart.updated else None,
    )
