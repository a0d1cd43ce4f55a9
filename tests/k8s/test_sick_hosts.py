"""What our settings make of a host that hangs, refuses or dies: asked of a real Envoy. See docs/decisions/0004."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from grpc import aio

from tests.k8s.manifests import Manifests, Object
from tests.k8s.proxy import FrozenHost, Host, place, proxy

pytestmark = pytest.mark.processes

OK, UNAVAILABLE, GAVE_UP = "OK", "UNAVAILABLE", "GAVE UP"
LONG = 20.0

Serve = Callable[..., AbstractAsyncContextManager[aio.Channel]]


@pytest.fixture
def serve(envoy: Path, tmp_path: Path, shop: Manifests) -> Serve:
    """Hosts behind Envoy with the settings of `service`, a few of them replaced."""

    @asynccontextmanager
    async def serving(
        *hosts: Host | FrozenHost, service: str = "catalog", **replaced: Object
    ) -> AsyncIterator[aio.Channel]:
        rule = shop.named("VirtualService", f"{service}-mesh")["spec"]["http"][-1]
        policy = shop.named("DestinationRule", service)["spec"]["trafficPolicy"]
        detection = {**policy["outlierDetection"], **replaced.get("detection", {})}
        async with AsyncExitStack() as stack:
            for host in hosts:
                await stack.enter_async_context(host)
            endpoints = tmp_path / "endpoints.json"
            place(endpoints, [host.port for host in hosts])
            settings = {**policy, "outlierDetection": detection}
            retries = {**rule["retries"], **replaced.get("retries", {})}
            yield await stack.enter_async_context(proxy(envoy, tmp_path, retries, settings, endpoints))

    return serving


def method(channel: aio.Channel) -> aio.UnaryUnaryMultiCallable[bytes, bytes]:
    return channel.unary_unary("/shop.v1.Anything/Call")


async def call(channel: aio.Channel, patience: float) -> str:
    """One call by somebody who sends no deadline and walks away after `patience` seconds."""
    try:
        async with asyncio.timeout(patience):
            await method(channel)(b"")
    except aio.AioRpcError as error:
        return error.code().name
    except TimeoutError:
        return GAVE_UP
    return OK


async def calls(channel: aio.Channel, count: int, patience: float = LONG) -> Counter[str]:
    """The outcomes of `count` calls, four at a time."""
    outcomes: Counter[str] = Counter()
    for _ in range(count // 4):
        outcomes += Counter(await asyncio.gather(*(call(channel, patience) for _ in range(4))))
    return outcomes


async def test_a_hung_host_is_ejected_by_the_tries_that_the_mesh_gave_up(serve: Serve) -> None:
    good = Host("answers")
    async with serve(good, FrozenHost()) as channel:
        first = await calls(channel, 20)
        assert set(first) == {OK, UNAVAILABLE}  # UNAVAILABLE: the caller may try again
        assert first[OK] == good.calls  # the mesh repeated none of the others
        assert await calls(channel, 40) == {OK: 40}


async def test_a_hung_host_stays_when_callers_give_up_before_the_mesh_does(serve: Serve) -> None:
    async with serve(Host("answers"), FrozenHost(), retries={"perTryTimeout": "20s"}) as channel:
        assert (await calls(channel, 12, patience=0.5))[GAVE_UP] >= 3
        assert (await calls(channel, 12, patience=0.5))[GAVE_UP] > 0


async def test_a_host_that_keeps_refusing_is_ejected(serve: Serve) -> None:
    sick = Host("refuses")
    async with serve(Host("answers"), sick) as channel:
        outcomes = Counter([await call(channel, LONG) for _ in range(40)])
    # Ejected at its third; until the thread that takes calls knows, it may get another.
    assert outcomes[OK] + outcomes[UNAVAILABLE] == 40
    assert 3 <= outcomes[UNAVAILABLE] < 10
    assert sick.calls == outcomes[UNAVAILABLE]


async def test_with_istios_ten_percent_it_is_not(serve: Serve) -> None:
    sick = Host("refuses")
    async with serve(Host("answers"), sick, detection={"maxEjectionPercent": 10}) as channel:
        await calls(channel, 80)
    assert sick.calls > 10


async def test_the_only_host_is_kept_however_sick(serve: Serve) -> None:
    sick = Host("refuses")
    async with serve(sick) as channel:
        assert await calls(channel, 20) == {UNAVAILABLE: 20}
    assert sick.calls == 20


async def test_orders_is_kept_when_it_reports_the_failures_of_others(serve: Serve) -> None:
    both = Host("refuses"), Host("refuses")
    async with serve(*both, service="orders") as channel:
        await calls(channel, 80)
    assert all(host.calls > 10 for host in both)


@pytest.mark.parametrize("service", ["catalog", "orders"])
async def test_a_host_that_died_costs_only_calls_on_their_way(serve: Serve, service: str) -> None:
    dying = Host("answers")
    async with serve(Host("answers"), dying, service=service) as channel:
        await calls(channel, 12)
        await dying.die()
        await calls(channel, 16)
        assert await calls(channel, 40) == {OK: 40}


async def test_a_server_takes_the_meshs_try_for_its_deadline_which_is_why_streams_have_none(serve: Serve) -> None:
    async with serve(Host("answers"), retries={"perTryTimeout": "10s"}) as channel:
        assert 0 < float(await method(channel)(b"")) < 11
        assert 0 < float(await method(channel)(b"", timeout=5)) < 6
    async with serve(Host("answers"), retries={"perTryTimeout": "0s"}) as channel:
        assert await method(channel)(b"") == b"None"
