"""What stands between the storefront and the services in the mesh, in this process: sidecars that verify tokens.

A token is verified with the keys that users publishes, as Istio does; what it says is told in the two headers that
nobody else may send. Services can be away, or silent, as whole ones or by method.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import jwt
from grpc import StatusCode
from grpc.aio import AioRpcError, Channel, ServicerContext
from shop.users.v1.users_pb2 import GetJwksRequest
from shop.users.v1.users_pb2_grpc import UsersServiceStub

Pairs = list[tuple[str, str | bytes]]

FROM_STOREFRONT = "By=spiffe://cluster.local/ns/shop/sa/any;URI=spiffe://cluster.local/ns/shop/sa/storefront"
STREAMS = frozenset({"WatchOrder"})


class Forged(Exception):
    """The token is not what users signs."""


@dataclass
class Sidecars:
    """All of them: each call goes to the backend of its service."""

    backends: dict[str, Channel]  # by service: "cart"
    away: set[str] = field(default_factory=set)  # services or methods: "cart", "GetCart"
    silent: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)  # by method
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """These services or methods answer UNAVAILABLE while the block runs."""
        self.away |= set(names)
        try:
            yield
        finally:
            self.away -= set(names)

    @contextmanager
    def unanswered(self, *names: str) -> Iterator[None]:
        """These never answer while the block runs: calls go in, and nothing comes out."""
        self.silent |= set(names)
        try:
            yield
        finally:
            self.silent -= set(names)

    async def passed(self, name: str, context: ServicerContext[bytes, Any]) -> tuple[Channel, Pairs]:
        """Where a call goes, and with which metadata. Ends it where the mesh would."""
        service, method = name.split(".")[1], name.rpartition("/")[2]
        self.calls[method] += 1
        if {service, method} & self.silent:
            await asyncio.Event().wait()
        if {service, method} & self.away:
            await context.abort(StatusCode.UNAVAILABLE, "no healthy upstream")
        given = dict(context.invocation_metadata() or ())
        try:
            said = await self._said(str(given.get("authorization", "")))
        except Forged:
            await context.abort(StatusCode.UNAUTHENTICATED, "Jwt verification fails")
        kept: Pairs = [(key, given[key]) for key in ("authorization", "x-request-id") if key in given]
        return self.backends[service], [*kept, ("x-forwarded-client-cert", FROM_STOREFRONT), *said]

    async def _said(self, header: str) -> Pairs:
        if not header:
            return []
        token = header.removeprefix("Bearer ")
        keys = json.loads((await UsersServiceStub(self.backends["users"]).GetJwks(GetJwksRequest())).jwks)
        try:
            known = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(keys).keys}
            key = known[jwt.get_unverified_header(token)["kid"]]
            # The time is checked elsewhere: these tests move users' clock.
            options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
            claims = jwt.decode(token, key, algorithms=["ES256"], audience="shop", issuer="argosy", options=options)
        except (jwt.InvalidTokenError, KeyError) as error:
            raise Forged from error
        return [("argosy-customer", claims["sub"]), ("argosy-role", claims["role"])]

    async def unary(self, name: str, request: bytes, context: ServicerContext[bytes, Any]) -> bytes:
        channel, metadata = await self.passed(name, context)
        self.seen.append((name.rpartition("/")[2], request))
        call: Callable[..., Any] = channel.unary_unary(name)
        begun = call(request, metadata=metadata, timeout=20.0)
        try:
            response: bytes = await begun
        except AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
        context.set_trailing_metadata(tuple(await begun.trailing_metadata()))
        return response

    async def stream(self, name: str, request: bytes, context: ServicerContext[bytes, Any]) -> AsyncIterator[bytes]:
        channel, metadata = await self.passed(name, context)
        call: Callable[..., Any] = channel.unary_stream(name)
        try:
            async for response in call(request, metadata=metadata):
                yield response
        except AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))


class _Any(grpc.GenericRpcHandler):
    def __init__(self, sidecars: Sidecars) -> None:
        self._sidecars = sidecars

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        name = handler_call_details.method

        async def unary(request: bytes, context: ServicerContext[bytes, Any]) -> bytes:
            return await self._sidecars.unary(name, request, context)

        async def stream(request: bytes, context: ServicerContext[bytes, Any]) -> AsyncIterator[bytes]:
            async for response in self._sidecars.stream(name, request, context):
                yield response

        if name.rpartition("/")[2] in STREAMS:
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(unary)


@asynccontextmanager
async def standing_before(backends: dict[str, Channel]) -> AsyncIterator[tuple[Sidecars, str]]:
    """The sidecars, and the address (host:port) they are all reached at."""
    sidecars = Sidecars(backends)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Any(sidecars),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield sidecars, f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
