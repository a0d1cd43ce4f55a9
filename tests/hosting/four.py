"""A service with all four kinds of RPC, each from GetProductRequest to GetProductResponse, and how to call it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from grpc.aio import AioRpcError
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse, Product

from services.hosting import Hosted
from tests.hosting.running import serve

KINDS = ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")


def _four() -> ServiceDescriptor:
    file = descriptor_pb2.FileDescriptorProto(
        name="test/four.proto", package="test.v1", syntax="proto3", dependency=["shop/catalog/v1/catalog.proto"]
    )
    service = file.service.add(name="Four")
    for name in KINDS:
        service.method.add(
            name=name,
            input_type=".shop.catalog.v1.GetProductRequest",
            output_type=".shop.catalog.v1.GetProductResponse",
            client_streaming=name.startswith("Stream"),
            server_streaming=name.endswith("Stream"),
        )
    pool = descriptor_pool.Default()
    pool.Add(file)
    return pool.FindServiceByName("test.v1.Four")


FOUR = _four()

_HANDLERS: Mapping[str, Callable[..., Any]] = {
    "UnaryUnary": grpc.unary_unary_rpc_method_handler,
    "UnaryStream": grpc.unary_stream_rpc_method_handler,
    "StreamUnary": grpc.stream_unary_rpc_method_handler,
    "StreamStream": grpc.stream_stream_rpc_method_handler,
}


def add_four(servicer: Any, server: grpc.aio.Server) -> None:
    """Add those methods of FOUR that `servicer` has."""
    request, response = GetProductRequest, GetProductResponse
    handlers = {
        name: make(getattr(servicer, name), request.FromString, response.SerializeToString)
        for name, make in _HANDLERS.items()
        if hasattr(servicer, name)
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(FOUR.full_name, handlers),))


def call_four(channel: grpc.aio.Channel, name: str) -> Any:
    """What calls a method of FOUR."""
    kinds = {
        "UnaryUnary": channel.unary_unary,
        "UnaryStream": channel.unary_stream,
        "StreamUnary": channel.stream_unary,
        "StreamStream": channel.stream_stream,
    }
    make: Callable[..., Any] = kinds[name]
    return make(
        f"/{FOUR.full_name}/{name}",
        lambda request: request if isinstance(request, bytes) else request.SerializeToString(),
        GetProductResponse.FromString,
    )


Behaviour = Callable[[GetProductRequest, Any], Awaitable[GetProductResponse]]

GOOD = GetProductRequest(product_id="mug")
BAD = GetProductRequest(product_id="")


class Servicer:
    """All four kinds of RPC; what each does with one request is `behave`."""

    def __init__(self, behave: Behaviour) -> None:
        self._behave = behave

    async def UnaryUnary(self, request: Any, context: Any) -> GetProductResponse:
        return await self._behave(request, context)

    async def UnaryStream(self, request: Any, context: Any) -> AsyncIterator[GetProductResponse]:
        yield await self._behave(request, context)

    async def StreamUnary(self, requests: Any, context: Any) -> GetProductResponse:
        return [await self._behave(request, context) async for request in requests][-1]

    async def StreamStream(self, requests: Any, context: Any) -> AsyncIterator[GetProductResponse]:
        async for request in requests:
            yield await self._behave(request, context)


@asynccontextmanager
async def four(behave: Behaviour, **given: Any) -> AsyncIterator[grpc.aio.Channel]:
    async with serve(Hosted([(FOUR, Servicer(behave), add_four)]), **given) as channel:
        yield channel


async def answer(_: GetProductRequest, __: Any) -> GetProductResponse:
    return GetProductResponse(product=Product(id="mug"))


def raising(error: BaseException) -> Behaviour:
    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        raise error

    return behave


async def call(
    channel: grpc.aio.Channel, kind: str, request: GetProductRequest | bytes = GOOD, **how: Any
) -> list[GetProductResponse]:
    """Call one of the four kinds with one request, or with bytes in its place; every response."""
    how = {"timeout": 20} | how
    started = call_four(channel, kind)(iter([request]) if kind.startswith("Stream") else request, **how)
    return [response async for response in started] if kind.endswith("Stream") else [await started]


async def refused(
    channel: grpc.aio.Channel, kind: str, request: GetProductRequest | bytes = GOOD, **how: Any
) -> AioRpcError:
    with pytest.raises(AioRpcError) as caught:
        await call(channel, kind, request, **how)
    return caught.value
