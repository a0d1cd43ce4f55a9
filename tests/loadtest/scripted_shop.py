"""A shop on a real grpc.aio server whose answers a test scripts; unscripted calls succeed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode, aio
from grpc_health.v1 import health, health_pb2_grpc
from grpc_status import rpc_status
from shop.cart.v1 import cart_pb2
from shop.catalog.v1 import catalog_pb2
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.recommendations.v1 import recommendations_pb2

from loadtest.contract import method_of

Script = Callable[[Any, aio.ServicerContext[Any, Any]], Awaitable[Any]]
PRODUCTS = ("brass-compass", "enamel-mug", "manila-rope", "signal-flag")
METADATA = (("argosy-pod", "scripted-1"), ("argosy-version", "v1"))
REFUSALS = {
    "4000000000000002": "CARD_DECLINED",
    "4000000000009995": "INSUFFICIENT_FUNDS",
    "4000000000000069": "CARD_EXPIRED",
}


class ScriptedShop:
    """Everything that customers call; `scripts[rpc]` replaces the answer of one RPC, `calls` counts by RPC."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.calls: Counter[str] = Counter()
        self.orders: list[orders_pb2.PlaceOrderRequest] = []
        self.target = ""

    async def answer(self, rpc: str, request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        self.calls[rpc] += 1
        context.set_trailing_metadata(METADATA)
        if script := self.scripts.get(rpc):
            return await script(request, context)
        return await self.succeed(rpc, request, context)

    async def succeed(self, rpc: str, request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        match rpc:
            case "ListProducts":
                return catalog_pb2.ListProductsResponse(products=[catalog_pb2.Product(id=each) for each in PRODUCTS])
            case "GetProduct":
                return catalog_pb2.GetProductResponse(product=catalog_pb2.Product(id=request.product_id))
            case "ListRecommendations":
                beside = [recommendations_pb2.Recommendation(product_id=each) for each in PRODUCTS]
                return recommendations_pb2.ListRecommendationsResponse(recommendations=beside)
            case "PlaceOrder":
                self.orders.append(request)
                if reason := REFUSALS.get(request.card.number):
                    await refuse(context, StatusCode.FAILED_PRECONDITION, reason)
                order = orders_pb2.Order(order_id=request.idempotency_key, state=orders_pb2.ORDER_STATE_CONFIRMED)
                return orders_pb2.PlaceOrderResponse(order=order)
            case "WatchOrder":
                return orders_pb2.WatchOrderResponse(order=orders_pb2.Order(order_id=request.order_id))
        return GetMessageClass(method_of(request).output_type)()


async def refuse(context: aio.ServicerContext[Any, Any], code: StatusCode, reason: str) -> NoReturn:
    """End the call as services do: with google.rpc.ErrorInfo."""
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="argosy.dev"))
    status = status_pb2.Status(code=code.value[0], message=reason.lower(), details=[detail])
    await context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort raises")


def fail(code: StatusCode) -> Script:
    """A script that always fails with this status."""

    async def script(_request: Any, context: aio.ServicerContext[Any, Any]) -> NoReturn:
        await context.abort(code, "scripted")
        raise AssertionError("abort raises")

    return script


async def hang(_request: Any, _context: aio.ServicerContext[Any, Any]) -> NoReturn:
    """A script that never answers."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


def _handlers(module: ModuleType, shop: ScriptedShop) -> Iterator[grpc.GenericRpcHandler]:
    for service in module.DESCRIPTOR.services_by_name.values():
        methods = {method.name: _handler(method, shop) for method in service.methods}
        yield grpc.method_handlers_generic_handler(service.full_name, methods)


def _handler(method: Any, shop: ScriptedShop) -> Any:
    async def unary(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        return await shop.answer(method.name, request, context)

    async def stream(request: Any, context: aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        yield await shop.answer(method.name, request, context)

    parse = method.input_type._concrete_class.FromString
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(stream, parse, _serialize)
    return grpc.unary_unary_rpc_method_handler(unary, parse, _serialize)


def _serialize(message: Any) -> bytes:
    return bytes(message.SerializeToString())


@asynccontextmanager
async def open_shop() -> AsyncIterator[ScriptedShop]:
    """The shop, on a port of its own."""
    shop = ScriptedShop()
    server = aio.server()
    for module in (cart_pb2, catalog_pb2, inventory_pb2, orders_pb2, recommendations_pb2):
        server.add_generic_rpc_handlers(tuple(_handlers(module, shop)))
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    shop.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield shop
    finally:
        await server.stop(0)
