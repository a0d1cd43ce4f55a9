"""An operator sees what protects a process and overrules a breaker; nobody else does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from argosy.resilience.v1 import resilience_admin_pb2 as pb
from argosy.resilience.v1.resilience_admin_pb2_grpc import ResilienceAdminServiceStub
from grpc import StatusCode
from grpc.aio import AioRpcError, insecure_channel
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.hosting.administered import OPERATOR, Front, Metadata, front, shown_by
from tests.hosting.running import blamed, reason

OPEN, CLOSE, RESET = pb.BREAKER_ACTION_OPEN, pb.BREAKER_ACTION_CLOSE, pb.BREAKER_ACTION_RESET


@pytest.fixture
async def shop() -> AsyncIterator[Front]:
    async with front() as opened:
        yield opened


async def refused(call: Any) -> AioRpcError:
    with pytest.raises(AioRpcError) as caught:
        await call
    return caught.value


async def test_the_state_names_every_callee_with_its_breakers_budget_and_bulkhead(shop: Front) -> None:
    await shop.ask()
    state = await shop.state()
    assert (state.service, state.version, state.pod) == ("front", "v1", "front-1")
    catalog, attic = state.callees
    assert [(one.group, one.state, one.calls) for one in catalog.breakers] == [
        ("default", pb.CIRCUIT_STATE_CLOSED, 0),
        ("read", pb.CIRCUIT_STATE_CLOSED, 1),
    ]
    assert (catalog.bulkhead.in_flight, catalog.bulkhead.limit) == (0, 8)
    assert (catalog.retry_budget.ratio, catalog.retry_budget.left) == (0.1, 10)
    assert (attic.name, attic.bulkhead.limit) == ("attic", 0)


async def test_a_circuit_that_opened_by_itself_says_when_it_tries_again(shop: Front) -> None:
    shop.catalog.fails = True
    for _ in range(3):
        await refused(shop.ask())
    breaker = await shop.breaker()
    assert (breaker.state, breaker.forced) == (pb.CIRCUIT_STATE_OPEN, False)
    assert 0 < breaker.reopens_in.ToMilliseconds() <= 72_000


async def test_an_opened_breaker_keeps_calls_off_the_wire_until_it_is_reset(shop: Front) -> None:
    await shop.set_breaker(OPEN)
    error = await refused(shop.ask())
    assert (error.code(), shop.catalog.calls) == (StatusCode.UNAVAILABLE, 0)
    breaker = await shop.breaker()
    assert (breaker.state, breaker.forced, breaker.HasField("reopens_in")) == (pb.CIRCUIT_STATE_OPEN, True, False)
    await shop.set_breaker(RESET)
    await shop.ask()
    assert not (await shop.breaker()).forced


async def test_a_breaker_held_closed_lets_failures_through(shop: Front) -> None:
    await shop.set_breaker(CLOSE)
    shop.catalog.fails = True
    for _ in range(6):
        await refused(shop.ask())
    assert shop.catalog.calls == 6
    assert (await shop.breaker()).state == pb.CIRCUIT_STATE_CLOSED


async def test_without_a_group_every_breaker_of_the_callee_obeys_and_no_other(shop: Front) -> None:
    state = await shop.set_breaker(OPEN, group="")
    catalog, attic = state.callees
    assert {one.state for one in catalog.breakers} == {pb.CIRCUIT_STATE_OPEN}
    assert {one.state for one in attic.breakers} == {pb.CIRCUIT_STATE_CLOSED}


async def test_a_change_is_logged_once_with_who_and_why(shop: Front, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):  # asked again, because the answer was lost
        await shop.set_breaker(OPEN, reason="drill")
    await shop.set_breaker(RESET)
    lines = [vars(one) for one in caplog.records if one.levelno == logging.WARNING and hasattr(one, "by")]
    assert [(line["msg"], line["peer"], line["group"], line["reason"]) for line in lines] == [
        ("circuit forced open", "catalog", "read", "drill"),
        ("circuit reset", "catalog", "read", ""),
    ]
    assert {line["by"] for line in lines} == {"spiffe://cluster.local/ns/default/sa/operator"}


@pytest.mark.parametrize(
    "metadata",
    [shown_by("catalog"), shown_by("auditor"), shown_by("catalog", claimed="operator"), []],
    ids=["catalog", "auditor", "catalog that claims to be the operator", "nobody"],
)
async def test_everybody_else_is_refused(shop: Front, metadata: Metadata) -> None:
    how: Any = {"metadata": metadata, "timeout": 20}
    for error in (
        await refused(shop.admin.GetState(pb.GetStateRequest(), **how)),
        await refused(shop.admin.WatchState(pb.WatchStateRequest(), **how).read()),
        await refused(shop.admin.SetBreaker(pb.SetBreakerRequest(callee="catalog", action=OPEN), **how)),
    ):
        assert (error.code(), reason(error)) == (StatusCode.PERMISSION_DENIED, "NOT_AN_OPERATOR")
    assert (await shop.breaker()).state == pb.CIRCUIT_STATE_CLOSED


async def test_other_callers_can_be_named_or_nobody() -> None:
    async with front(admin_callers="spiffe://cluster.local/ns/default/sa/auditor") as shop:
        await shop.admin.GetState(pb.GetStateRequest(), metadata=shown_by("auditor"), timeout=20)
        assert (await refused(shop.state())).code() is StatusCode.PERMISSION_DENIED
    async with front(admin_callers="nobody") as shop:
        assert (await refused(shop.state())).code() is StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("request_", "field", "sentence"),
    [
        (pb.SetBreakerRequest(callee="bank", action=OPEN), "callee", "does not call bank: it calls attic and catalog"),
        (
            pb.SetBreakerRequest(callee="catalog", group="write", action=OPEN),
            "group",
            "catalog has no breaker write: there are default and read",
        ),
    ],
)
async def test_what_does_not_exist_is_answered_with_what_does(
    shop: Front, request_: pb.SetBreakerRequest, field: str, sentence: str
) -> None:
    error = await refused(shop.admin.SetBreaker(request_, metadata=OPERATOR, timeout=20))
    assert (error.code(), blamed(error)) == (StatusCode.NOT_FOUND, [field])
    assert sentence in str(error.details())


async def test_a_change_without_an_action_is_refused(shop: Front) -> None:
    error = await refused(shop.admin.SetBreaker(pb.SetBreakerRequest(callee="catalog"), metadata=OPERATOR, timeout=20))
    assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["action"])


async def test_a_watch_tells_a_change_at_once(shop: Front, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.hosting.administration.LOOK_AGAIN_SECONDS", 3600.0)
    seen = aiter(shop.admin.WatchState(pb.WatchStateRequest(), metadata=OPERATOR, timeout=40))
    assert not any(one.forced for one in (await anext(seen)).state.callees[0].breakers)
    await shop.set_breaker(OPEN)
    assert any(one.forced for one in (await anext(seen)).state.callees[0].breakers)


async def test_a_watch_ends_when_its_server_drains() -> None:
    async with AsyncExitStack() as outliving:
        async with front(drain_seconds=50) as shop:
            channel = await outliving.enter_async_context(insecure_channel(shop.address))
            watch = ResilienceAdminServiceStub(channel).WatchState(pb.WatchStateRequest(), metadata=OPERATOR)
            await watch.read()
        assert await watch.code() is StatusCode.OK  # cut off after 50 s otherwise


async def test_a_watch_looks_again_although_no_circuit_changed(shop: Front, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.hosting.administration.LOOK_AGAIN_SECONDS", 0.01)
    seen = aiter(shop.admin.WatchState(pb.WatchStateRequest(), metadata=OPERATOR, timeout=40))
    await anext(seen)
    await shop.ask()
    async with asyncio.timeout(20):
        while (await anext(seen)).state.callees[0].breakers[1].calls == 0:
            pass


async def test_without_protection_there_is_no_breaker_to_overrule() -> None:
    async with front(resilience="off") as shop:
        assert [list(callee.breakers) for callee in (await shop.state()).callees] == [[], []]
        error = await refused(shop.set_breaker(OPEN))
        assert "catalog has no breaker read: it has none" in str(error.details())


async def test_a_server_too_busy_for_customers_still_answers_its_operator() -> None:
    async with front(max_concurrent_rpcs=1) as shop:
        shop.catalog.answers.clear()
        first = asyncio.create_task(shop.ask())
        while not shop.catalog.calls:
            await asyncio.sleep(0)
        assert (await refused(shop.ask())).code() is StatusCode.RESOURCE_EXHAUSTED
        state = await shop.state()
        assert (state.limit.in_flight, state.limit.limit) == (1, 1)
        assert state.callees[0].bulkhead.in_flight == 1
        shop.catalog.answers.set()
        await first


async def test_reflection_names_the_operators_service(shop: Front) -> None:
    asked = reflection_pb2_grpc.ServerReflectionStub(shop.channel).ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=20
    )
    names = {service.name for answer in [await asked.read()] for service in answer.list_services_response.service}
    assert "argosy.resilience.v1.ResilienceAdminService" in names
