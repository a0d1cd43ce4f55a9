"""What the mesh is to an operator: one address for many pods, each call to another one, and an identity shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
from grpc.aio import AioRpcError, Channel, Server, ServicerContext, insecure_channel

from tests.hosting.administered import OPERATOR, Front, Metadata, front

Context = ServicerContext[Any, Any]


class Balancer(grpc.GenericRpcHandler):
    """Passes each call on to the next pod; a pod of None is one that nobody can reach."""

    def __init__(self, pods: list[Channel | None], identity: Metadata) -> None:
        self.pods = pods
        self.identity = identity
        self.calls: list[str] = []

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        name = handler_call_details.method

        async def answers(request: bytes, context: Context) -> AsyncIterator[bytes]:
            async for response in self._stream(name, request, context):
                yield response

        async def answer(request: bytes, context: Context) -> bytes:
            return await anext(aiter(self._stream(name, request, context)))

        if name.endswith("/WatchState"):
            return grpc.unary_stream_rpc_method_handler(answers)
        return grpc.unary_unary_rpc_method_handler(answer)

    async def _stream(self, name: str, request: bytes, context: Context) -> AsyncIterator[bytes]:
        pod = self.pods[len(self.calls) % len(self.pods)]
        self.calls.append(name.rpartition("/")[2])
        if pod is None:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no healthy upstream")
        passed_on: Any = pod.unary_stream(name)
        try:
            async for response in passed_on(request, metadata=self.identity, timeout=30):
                yield response
        except AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))


@asynccontextmanager
async def balanced(
    *names: str, unreachable: bool = False, identity: Metadata = OPERATOR
) -> AsyncIterator[tuple[str, list[Front], Balancer]]:
    """The address of `orders` with pods of these names, and one more that cannot be reached if `unreachable`."""
    async with AsyncExitStack() as stack:
        fronts = [await stack.enter_async_context(front(service_name="orders", pod_name=name)) for name in names]
        pods: list[Channel | None] = [await stack.enter_async_context(insecure_channel(one.address)) for one in fronts]
        balancer = Balancer([*pods, None] if unreachable else pods, identity)
        server: Server = grpc.aio.server()
        server.add_generic_rpc_handlers((balancer,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        stack.push_async_callback(server.stop, None)
        yield f"127.0.0.1:{port}", fronts, balancer
