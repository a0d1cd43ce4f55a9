"""When somebody else answers for the peer, and that it is told: against a real server."""

import asyncio
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import CircuitOpen, FallbackPolicy, MethodPolicy, PeerPolicy, PolicyInvalid, degraded
from mesh.resilience.events import CallEnded, FallbackUsed
from mesh.resilience.verdicts import HEALTHY, VERDICTS
from tests.resilience.opened import METHODS, Opened, code_of
from tests.resilience.scripted import TStub, serve

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK
LAST_GOOD = FallbackPolicy(kind="last_good")
UNABLE = sorted((code for code in VERDICTS if VERDICTS[code].health is not HEALTHY), key=lambda code: code.name)
BUSINESS = sorted((code for code in VERDICTS if code is not OK and code not in UNABLE), key=lambda code: code.name)


def covered(fallback: FallbackPolicy = LAST_GOOD, **peer: Any) -> PeerPolicy:
    method = MethodPolicy(timeout=10.0, idempotent=True, attempts=1, fallback=fallback)
    return PeerPolicy(methods={"/t.T/UnaryUnary": method}, **peer)


@pytest.mark.parametrize("code", UNABLE, ids=lambda code: code.name)
async def test_a_peer_that_cannot_answer_is_stood_in_for(opened: Opened, code: StatusCode) -> None:
    async with serve(OK, code) as server:
        stub = await opened.stub(server, covered())
        assert await stub.UnaryUnary(b"x") == b"x"
        with degraded.collect() as notes:
            assert await stub.UnaryUnary(b"x") == b"x"
        assert server.hits == 2  # it was asked first
    assert notes == {"t"}
    assert opened.events[-1] == FallbackUsed("t", "/t.T/UnaryUnary", "last_good", code)


@pytest.mark.parametrize("code", BUSINESS, ids=lambda code: code.name)
async def test_a_business_code_is_an_answer(opened: Opened, code: StatusCode) -> None:
    async with serve(OK, code) as server:
        stub = await opened.stub(server, covered())
        await stub.UnaryUnary(b"x")
        with degraded.collect() as notes:
            assert await code_of(stub.UnaryUnary(b"x")) is code
    assert not notes
    assert not any(isinstance(event, FallbackUsed) for event in opened.events)


async def test_an_open_circuit_is_stood_in_for_without_the_wire(opened: Opened) -> None:
    async with serve() as server:
        peer = await opened.peer(server, covered())
        stub = peer.stub(TStub)
        await stub.UnaryUnary(b"x")
        peer.breakers["default"].force_open()
        assert await stub.UnaryUnary(b"x") == b"x"
        with pytest.raises(CircuitOpen):
            await stub.UnaryUnary(b"never asked before")
        assert server.hits == 1


async def test_a_full_bulkhead_is_stood_in_for(opened: Opened) -> None:
    async with serve(OK, "hang") as server:
        stub = await opened.stub(server, covered(bulkhead=1))
        await stub.UnaryUnary(b"x")
        hanging = asyncio.create_task(stub.UnaryUnary(b"y"))
        while server.hits < 2:
            await asyncio.sleep(0.001)
        assert await stub.UnaryUnary(b"x") == b"x"
        server.release.set()
        await hanging


async def test_a_spent_deadline_is_stood_in_for(opened: Opened) -> None:
    async with serve(OK, "hang") as server:
        stub = await opened.stub(server, covered())
        await stub.UnaryUnary(b"x")
        assert await stub.UnaryUnary(b"x", timeout=0.05) == b"x"


async def test_a_call_keeps_its_own_timeout_under_a_fallback(opened: Opened) -> None:
    async with serve("hang") as server:
        stub = await opened.stub(server, covered())
        assert await code_of(stub.UnaryUnary(b"x", timeout=0.9)) is StatusCode.DEADLINE_EXCEEDED
        assert [remaining is not None and remaining < 1 for remaining in server.remaining] == [True]


async def test_a_local_cancel_is_never_answered(opened: Opened) -> None:
    async with serve(OK, "hang") as server:
        stub = await opened.stub(server, covered())
        await stub.UnaryUnary(b"x")
        server.arrived.clear()
        call = asyncio.create_task(stub.UnaryUnary(b"x"))
        await server.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert not any(isinstance(event, FallbackUsed) for event in opened.events)


async def test_retries_come_before_the_fallback(opened: Opened) -> None:
    patient = MethodPolicy(timeout=10.0, idempotent=True, backoff=0.001, backoff_limit=0.001, fallback=LAST_GOOD)
    async with serve(OK, UNAVAILABLE) as server:
        stub = await opened.stub(server, PeerPolicy(methods={"/t.T/UnaryUnary": patient}))
        await stub.UnaryUnary(b"x")
        assert await stub.UnaryUnary(b"x") == b"x"
        assert server.hits == 1 + 3
    ended = [event for event in opened.events if isinstance(event, CallEnded)]
    assert [(event.code, event.attempts) for event in ended] == [(OK, 1), (UNAVAILABLE, 3)]  # the call did fail


async def test_the_last_good_answer_grows_too_old(opened: Opened) -> None:
    async with serve(OK, UNAVAILABLE) as server:
        stub = await opened.stub(server, covered(FallbackPolicy(kind="last_good", max_age=0.001)))
        await stub.UnaryUnary(b"x")
        await asyncio.sleep(0.002)
        assert await code_of(stub.UnaryUnary(b"x")) is UNAVAILABLE


async def test_without_protection_nobody_stands_in(opened: Opened) -> None:
    async with serve(OK, UNAVAILABLE) as server:
        stub = await opened.stub(server, covered(), enabled=False)
        await stub.UnaryUnary(b"x")
        assert await code_of(stub.UnaryUnary(b"x")) is UNAVAILABLE


@pytest.mark.parametrize("name", METHODS[1:])
async def test_only_one_response_to_one_request_has_a_fallback(opened: Opened, name: str) -> None:
    method = MethodPolicy(idempotent=True, fallback=LAST_GOOD)
    async with serve() as server:
        peer = await opened.peer(server, PeerPolicy(methods={f"/t.T/{name}": method}))
        with pytest.raises(PolicyInvalid, match=name):
            peer.stub(TStub)


async def test_the_callers_error_is_the_peers_where_there_is_nothing_to_answer(opened: Opened) -> None:
    async with serve(UNAVAILABLE) as server:
        stub = await opened.stub(server, covered())
        with degraded.collect() as notes, pytest.raises(AioRpcError, match="scripted"):
            await stub.UnaryUnary(b"x")
    assert not notes
