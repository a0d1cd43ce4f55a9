"""What servers see of us: deadlines, metadata, authority, attempts."""

import asyncio
from typing import Any

import grpc
import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import (
    MethodPolicy,
    deadline,
    open_peer,
    propagation,
)
from tests.resilience.opened import Opened, code_of, policy
from tests.resilience.scripted import Server, TStub, serve

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK

EMPTY_HTTP2_SETTINGS = b"\0\0\0\4\0\0\0\0\0"


async def test_rule_03_native_retry_is_off(opened: Opened) -> None:
    async with serve(UNAVAILABLE) as server:
        stub = await opened.stub(server, policy(MethodPolicy(idempotent=False)))
        assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
        assert server.hits == 1
        assert "grpc-previous-rpc-attempts" not in server.metadata[0]


async def test_rule_04_a_timeout_travels_to_the_server_and_wait_for_does_not(opened: Opened) -> None:
    async with serve("hang") as server, grpc.aio.insecure_channel(server.target) as bare:
        stub = await opened.stub(server, policy(MethodPolicy(timeout=0.2)))
        assert await code_of(stub.UnaryUnary(b"")) is StatusCode.DEADLINE_EXCEEDED
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(TStub(bare).UnaryUnary(b""), 0.2)  # the negative control: a cancel, no deadline
    ours, theirs = server.remaining
    assert ours is not None
    assert theirs is None


async def test_rule_02_one_deadline_is_shared_by_attempts_through_two_hops(opened: Opened) -> None:
    async with serve((UNAVAILABLE, (("grpc-retry-pushback-ms", "200"),))) as back:
        to_back = await opened.stub(back, policy())
        async with serve_relay(to_back) as front:
            to_front = await opened.stub(front, policy(MethodPolicy(timeout=20.0)))
            await code_of(to_front.UnaryUnary(b"", timeout=5.0))
    first, second, third = (remaining for remaining in back.remaining if remaining is not None)
    assert first < 5.0  # the outermost caller's, not the policy's 10 seconds
    assert second < first - 0.15
    assert third < second - 0.15


class Relay(Server):
    """A service in the middle: adopts its caller's deadline and metadata, and calls on."""

    def __init__(self, onward: TStub) -> None:
        super().__init__([OK])
        self.onward = onward

    async def answer(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        with deadline.adopt(context.time_remaining() or 0.0), propagation.adopt(context.invocation_metadata()):
            try:
                response: bytes = await self.onward.UnaryUnary(request)
            except AioRpcError as error:
                await context.abort(error.code(), "onward", (("grpc-retry-pushback-ms", "-1"),))
            return response


def serve_relay(onward: TStub) -> Any:
    return serve(server=Relay(onward))


async def test_only_listed_metadata_travels_through_a_service(opened: Opened) -> None:
    async with serve() as back:
        to_back = await opened.stub(back, policy())
        async with serve_relay(to_back) as front:
            to_front = await opened.stub(front, policy())
            sent = (("x-canary", "v2"), ("x-request-id", "r"), ("x-envoy-max-retries", "9"), ("authorization", "B"))
            await to_front.UnaryUnary(b"", metadata=sent)
    (headers,) = back.metadata
    assert headers.keys() - {"user-agent"} == {"x-canary", "x-request-id"}


async def test_the_authority_is_the_callees_name_not_the_proxys_address() -> None:
    received = bytearray()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(EMPTY_HTTP2_SETTINGS)
        while chunk := await reader.read(4096):
            received.extend(chunk)
            if b"/t.T/UnaryUnary" in received:
                break
        writer.close()

    listening = await asyncio.start_server(proxy, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    async with listening, open_peer("t", target=f"{host}:{port}", authority="catalog:50051", policy=policy()) as peer:
        await code_of(peer.stub(TStub).UnaryUnary(b""))
    assert b"catalog:50051" in received


async def test_a_channel_may_have_credentials(opened: Opened) -> None:
    async with serve(credentials=grpc.local_server_credentials()) as server:
        stub = await opened.stub(server, policy(), credentials=grpc.local_channel_credentials())
        assert await stub.UnaryUnary(b"x") == b"x"


async def test_interceptors_are_innermost_and_see_every_attempt(opened: Opened) -> None:
    class Counting(grpc.aio.UnaryUnaryClientInterceptor):
        seen = 0

        async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            self.seen += 1
            return await continuation(details, request)

    counting = Counting()
    async with serve(UNAVAILABLE, UNAVAILABLE, OK) as server:
        stub = await opened.stub(server, policy(), interceptors=[counting])
        with propagation.adopt([("traceparent", "00-1-2-01"), ("x-canary", "v2")]):
            assert await stub.UnaryUnary(b"x") == b"x"
        assert counting.seen == 3
        assert "traceparent" not in server.metadata[0]  # left to the interceptor
        assert server.metadata[0]["x-canary"] == "v2"
