"""Who is let in when not everybody can be served, and what is everybody else told?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from argosy.resilience.v1 import resilience_admin_pb2
from argosy.resilience.v1.resilience_admin_pb2_grpc import ResilienceAdminServiceStub
from google.rpc import error_details_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse

from mesh.resilience.pushback import pushback
from mesh.resilience.server_policy import LimitPolicy, ServerPolicy
from services.hosting import Host, Hosted
from tests.hosting.administered import OPERATOR
from tests.hosting.crowded import BROWSE, BUY, LOOK, SERVICE, crowded
from tests.hosting.four import FOUR, KINDS, Servicer, add_four, call, four, refused
from tests.hosting.running import FakeClock, detail, reason, serve, settings


@pytest.mark.parametrize("kind", KINDS)
async def test_rule_23_calls_beyond_the_hard_bound_are_shed_and_probes_still_answered(kind: str) -> None:
    busy, release = asyncio.Semaphore(0), asyncio.Event()

    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        busy.release()
        await release.wait()
        return GetProductResponse()

    async with four(behave, max_concurrent_rpcs=2, adaptive_limit="off") as channel:
        admitted = [asyncio.create_task(call(channel, kind)) for _ in range(2)]
        for _ in admitted:
            await busy.acquire()
        error = await refused(channel, kind)
        health = health_pb2_grpc.HealthStub(channel)
        probe = await health.Check(health_pb2.HealthCheckRequest(service=FOUR.full_name), timeout=20)
        release.set()
        assert len(await asyncio.gather(*admitted)) == 2
        assert len(await call(channel, kind)) == 1  # the places are free again
    assert (error.code(), reason(error)) == (StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
    assert probe.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize(("adaptive_limit", "most"), [("off", 5), ("on", 100)])
async def test_rule_23_a_flood_is_shed_with_resource_exhausted_and_nothing_else(adaptive_limit: str, most: int) -> None:
    release = asyncio.Event()

    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        await release.wait()
        return GetProductResponse()

    five = ServerPolicy(limit=LimitPolicy(initial=5, least=5, normal_share=1.0))
    hosted = Hosted([(FOUR, Servicer(behave), add_four)], policy=five)
    async with serve(hosted, max_concurrent_rpcs=most, adaptive_limit=adaptive_limit) as channel:
        calls = [asyncio.create_task(call(channel, "UnaryUnary")) for _ in range(1000)]
        while sum(task.done() for task in calls) < 995:
            await asyncio.wait([task for task in calls if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        release.set()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert len(await call(channel, "UnaryUnary")) == 1  # and afterwards it is as before
    codes = [end.code() if isinstance(end, AioRpcError) else StatusCode.OK for end in ended]
    assert {code: codes.count(code) for code in set(codes)} == {StatusCode.RESOURCE_EXHAUSTED: 995, StatusCode.OK: 5}


async def test_who_browses_is_refused_first_and_who_buys_last() -> None:
    async with crowded() as crowd:
        await crowd.enter(BROWSE, 5)
        assert reason(await crowd.refused(BROWSE)) == "OVERLOADED"
        await crowd.enter(LOOK, 3)
        assert reason(await crowd.refused(LOOK)) == "OVERLOADED"
        await crowd.enter(BUY, 2)
        assert reason(await crowd.refused(BUY)) == "OVERLOADED"
        shed = {
            method: crowd.metric(
                "argosy_server_shed_total", method=f"/{SERVICE.full_name}/{method}", reason="limit", priority=priority
            )
            for method, priority in ((BROWSE, "low"), (LOOK, "normal"), (BUY, "high"))
        }
        assert shed == {BROWSE: 1, LOOK: 1, BUY: 1}
        assert (crowd.metric("argosy_server_limited"), crowd.metric("argosy_server_limit")) == (10, 10)


async def test_without_the_adaptive_limit_who_browses_takes_every_place() -> None:
    async with crowded(max_concurrent_rpcs=10, adaptive_limit="off") as crowd:
        await crowd.enter(BROWSE, 10)
        assert reason(await crowd.refused(BUY)) == "TOO_MANY_CALLS"


async def test_the_hard_bound_stays_above_the_adaptive_limit() -> None:
    async with crowded(max_concurrent_rpcs=4) as crowd:
        await crowd.enter(BUY, 4)
        assert reason(await crowd.refused(BUY)) == "TOO_MANY_CALLS"
        assert crowd.metric("argosy_server_limit") == 4


async def test_a_refused_caller_is_told_when_to_come_back_in_both_ways() -> None:
    async with crowded() as crowd:
        await crowd.enter(BROWSE, 5)
        error = await crowd.refused(BROWSE)
    assert error.code() is StatusCode.RESOURCE_EXHAUSTED
    told = pushback(error)
    assert told is not None
    assert 0.02 < told < 4.0
    delay = detail(error, error_details_pb2.RetryInfo()).retry_delay.ToTimedelta()
    assert delay.total_seconds() == pytest.approx(told)


async def test_a_caller_that_leaves_leaves_its_place() -> None:
    async with crowded() as crowd:
        for task in await crowd.enter(BUY, 10):
            task.cancel()
            await asyncio.wait_for(crowd.slow.left.acquire(), 30)
        assert crowd.metric("argosy_server_limited") == 0
        await crowd.enter(BUY, 10)


async def test_probes_reflection_and_operators_are_never_shed() -> None:
    async with crowded(max_concurrent_rpcs=10) as crowd:
        await crowd.enter(BUY, 10)
        assert reason(await crowd.refused(BUY)) == "TOO_MANY_CALLS"
        probe = await health_pb2_grpc.HealthStub(crowd.channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        asked = reflection_pb2_grpc.ServerReflectionStub(crowd.channel).ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=20
        )
        listed = [answer async for answer in asked]
        admin = ResilienceAdminServiceStub(crowd.channel)
        seen = await admin.GetState(resilience_admin_pb2.GetStateRequest(), metadata=OPERATOR, timeout=20)
    assert probe.status == health_pb2.HealthCheckResponse.SERVING
    assert len(listed) == 1
    assert (seen.state.limit.in_flight, seen.state.limit.limit) == (10, 10)


async def test_streams_take_no_room_from_answers() -> None:
    release = asyncio.Event()
    entered = asyncio.Semaphore(0)

    async def behave(request: GetProductRequest, _: Any) -> GetProductResponse:
        if request.product_id == "held":
            entered.release()
            await release.wait()
        return GetProductResponse()

    policy = ServerPolicy(limit=LimitPolicy(initial=2, least=2))
    async with serve(Hosted([(FOUR, Servicer(behave), add_four)], policy=policy)) as channel:
        held = GetProductRequest(product_id="held")
        streams = [asyncio.create_task(call(channel, "UnaryStream", held)) for _ in range(20)]
        for _ in streams:
            await entered.acquire()
        assert len(await call(channel, "UnaryUnary")) == 1
        release.set()
        await asyncio.gather(*streams)


async def slow_answers(clock: FakeClock, seconds: float, **given: Any) -> list[AioRpcError | None]:
    """What callers with a second are told by a service whose sixty answers so far took `seconds` each."""

    async def behave(_: GetProductRequest, __: Any) -> GetProductResponse:
        clock.advance(seconds)
        return GetProductResponse()

    told: list[AioRpcError | None] = []
    async with serve(Hosted([(FOUR, Servicer(behave), add_four)]), Host(settings(**given), clock)) as channel:
        for _ in range(60):
            await call(channel, "UnaryUnary", timeout=600)
        for _ in range(16):
            try:
                await call(channel, "UnaryUnary", timeout=1.0)
                told.append(None)
            except AioRpcError as error:
                told.append(error)
    return told


async def test_work_that_cannot_be_finished_in_time_is_not_begun_but_for_a_trial() -> None:
    told = await slow_answers(FakeClock(), 5.0)
    assert [reason(error) if error else "answered" for error in told] == 15 * ["TOO_LITTLE_TIME"] + ["answered"]
    assert told[0] is not None
    assert told[0].code() is StatusCode.RESOURCE_EXHAUSTED
    assert dict(told[0].trailing_metadata() or ())["grpc-retry-pushback-ms"] == "-1"


@pytest.mark.parametrize(("seconds", "given"), [(5.0, {"adaptive_limit": "off"}), (0.1, {})])
async def test_work_is_begun_when_nothing_is_learned_or_time_is_enough(seconds: float, given: dict[str, Any]) -> None:
    assert await slow_answers(FakeClock(), seconds, **given) == [None] * 16
