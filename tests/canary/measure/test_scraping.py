"""The sidecars themselves are asked: over HTTP, those of the service's callers, whatever is broken."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from lightkube import AsyncClient, KubeConfig

from mesh.canary.measure.difference import Delta, difference
from mesh.canary.measure.envoy_stats import Subject
from mesh.canary.measure.scraping import Sidecars
from mesh.pod_pages import Direct
from tests.canary.kubernetes_api import KubernetesApi
from tests.canary.measure.addresses import ADDRESSES
from tests.canary.measure.envoy import Envoy
from tests.canary.measure.pods import pod, policy


@dataclass
class Mesh:
    """A gateway, orders and an outsider, each with a sidecar; a test breaks what it likes."""

    api: KubernetesApi = field(default_factory=KubernetesApi)
    gateway: Envoy = field(default_factory=Envoy)
    orders: Envoy = field(default_factory=Envoy)
    payments: Envoy = field(default_factory=Envoy)
    server: AsyncExitStack = field(default_factory=AsyncExitStack)
    """Closed, there is no API server any more."""
    now: float = 100.0

    def __post_init__(self) -> None:
        for name, address in zip(("gateway-1", "orders-1", "payments-1"), ADDRESSES, strict=True):
            self.api.put("pods", pod(name, address))
        self.api.put("authorizationpolicies", policy("gateway", "orders"))

    @asynccontextmanager
    async def source(self) -> AsyncIterator[Sidecars]:
        async with AsyncExitStack() as running:
            for envoy, address in zip((self.gateway, self.orders, self.payments), ADDRESSES, strict=True):
                await running.enter_async_context(envoy.listening(address))
            config = await self.server.enter_async_context(self.api.served())
            running.push_async_exit(self.server)
            client = AsyncClient(config=KubeConfig.from_dict(config), namespace="shop", trust_env=False)
            running.push_async_callback(client.close)
            http = await running.enter_async_context(aiohttp.ClientSession())
            yield Sidecars(client, Direct(http), Subject("catalog", "shop", ("v1", "v2")), lambda: self.now)


async def test_every_caller_is_asked_for_what_is_needed_and_nobody_else() -> None:
    mesh = Mesh()
    mesh.gateway.answered("v1", ok=8)
    mesh.gateway.answered("v2", ok=1, unavailable=1)
    mesh.gateway.count("v2", "upstream_cx_total", 3)
    mesh.orders.answered("v1", ok=5)
    async with mesh.source() as source:
        reading = await source.read()
    assert (reading.at, reading.missing, mesh.payments.asked) == (100.0, (), [])
    by_pod = {caller.pod: versions for caller, versions in reading.pods.items()}
    assert {name: sorted(versions) for name, versions in by_pod.items()} == {
        "gateway-1": ["v1", "v2"],
        "orders-1": ["v1"],
    }
    assert by_pod["gateway-1"]["v2"].statuses == {"OK": 1, "UNAVAILABLE": 1}
    assert by_pod["gateway-1"]["v2"].latency[5.0] == 2
    assert "upstream_cx" not in reading.raw.decode()


async def test_what_was_brought_can_be_proved() -> None:
    mesh = Mesh()
    mesh.orders.answered("v1", ok=5)
    async with mesh.source() as source:
        reading = await source.read()
    assert reading.raw_sha256 == hashlib.sha256(reading.raw).hexdigest()
    assert "# pod orders-1 process://1-1\n" in reading.raw.decode()


@pytest.mark.parametrize("status", [403, 503])
async def test_a_sidecar_that_does_not_answer_is_missing_and_the_others_are_read(status: int) -> None:
    mesh = Mesh()
    mesh.gateway.status = status
    mesh.orders.answered("v1", ok=5)
    async with mesh.source() as source:
        reading = await source.read()
    assert [caller.pod for caller in reading.pods] == ["orders-1"]
    assert reading.missing == (f"gateway-1: it answers {status}",)


async def test_a_sidecar_that_nobody_reaches_or_understands_is_missing() -> None:
    mesh = Mesh()
    mesh.api.put("pods", pod("gateway-1", "127.0.0.0"))
    mesh.orders.instead = "<html>login</html>"
    async with mesh.source() as source:
        reading = await source.read()
    assert reading.pods == {}
    assert [why.partition(":")[0] for why in reading.missing] == ["gateway-1", "orders-1"]


async def test_without_a_policy_everybody_is_asked() -> None:
    mesh = Mesh()
    del mesh.api.objects["authorizationpolicies", "catalog"]
    async with mesh.source() as source:
        reading = await source.read()
    assert {caller.pod for caller in reading.pods} == {"gateway-1", "orders-1", "payments-1"}


async def test_without_an_api_server_the_callers_of_before_are_asked() -> None:
    mesh = Mesh()
    mesh.orders.answered("v1", ok=5)
    async with mesh.source() as source:
        first = await source.read()
        mesh.orders.answered("v1", ok=2)
        await mesh.server.aclose()
        second = await source.read()
    assert (second.pods.keys(), second.missing) == (first.pods.keys(), ())
    found = difference(first, replace(second, at=105.0), ("v1", "v2"))
    assert isinstance(found, Delta)
    assert found.versions["v1"].requests == 2


async def test_without_an_api_server_from_the_beginning_nothing_is_known() -> None:
    mesh = Mesh()
    async with mesh.source() as source:
        await mesh.server.aclose()
        reading = await source.read()
    assert reading.pods == {}
    assert reading.missing[0].startswith("the API server does not say who calls catalog")
