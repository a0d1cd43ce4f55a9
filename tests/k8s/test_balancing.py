"""Whom our settings prefer: pods of the caller's zone while they are well, old ones to new. Asked of a real Envoy."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from grpc import aio

from tests.k8s.manifests import Manifests, Object
from tests.k8s.proxy import Host, place, proxy
from tests.k8s.test_sick_hosts import LONG, OK, UNAVAILABLE, call

pytestmark = pytest.mark.processes

WINDOW = 5.0  # seconds of warm-up, here: what is asked about its beginning is answered long before its end
CALLS = 100


class Destination:
    """Envoy with the settings of catalog, a few of them replaced, and the file that tells it of pods."""

    def __init__(self, envoy: Path, folder: Path, shop: Manifests) -> None:
        self._envoy, self._folder = envoy, folder
        self._retries = shop.named("VirtualService", "catalog-mesh")["spec"]["http"][-1]["retries"]
        self._policy: Object = shop.named("DestinationRule", "catalog")["spec"]["trafficPolicy"]
        self.warm_up: Object = self._policy["loadBalancer"]["warmup"]
        self.endpoints = folder / "endpoints.json"

    @asynccontextmanager
    async def channel(self, *zones: list[int], **replaced: Object) -> AsyncIterator[aio.Channel]:
        """A channel to pods at these ports, the caller's own zone first."""
        place(self.endpoints, *zones)
        detection = self._policy["outlierDetection"] | replaced.get("detection", {})
        balancer = replaced.get("balancer", self._policy["loadBalancer"])
        policy = self._policy | {"outlierDetection": detection, "loadBalancer": balancer}
        async with proxy(self._envoy, self._folder, self._retries, policy, self.endpoints) as channel:
            yield channel

    async def share_of_a_new_one(self, balancer: Object, *, wanted: float = 0.0, calls: int = CALLS) -> float:
        """The share of calls that a second pod gets as soon as it gets any, or when it gets as much as is wanted."""
        async with (
            Host("answers") as old,
            Host("answers") as new,
            self.channel([old.port], balancer=balancer) as channel,
            asyncio.timeout(60),
        ):
            await asyncio.sleep(WINDOW)  # to a proxy that has just come even the old one is new
            place(self.endpoints, [old.port, new.port])
            while not new.calls:
                await call(channel, LONG)
            while True:
                before = new.calls
                await outcomes(channel, calls)
                if (share := (new.calls - before) / calls) >= wanted:
                    return share


@pytest.fixture
def catalog(envoy: Path, tmp_path: Path, shop: Manifests) -> Destination:
    return Destination(envoy, tmp_path, shop)


def least_request(warm_up: Object | None = None) -> Object:
    return {"simple": "LEAST_REQUEST"} | ({"warmup": warm_up} if warm_up else {})


async def outcomes(channel: aio.Channel, count: int) -> Counter[str]:
    return Counter([await call(channel, LONG) for _ in range(count)])


async def test_a_pod_of_another_zone_is_not_asked_while_one_here_is_well(catalog: Destination) -> None:
    async with Host("answers") as near, Host("answers") as far, catalog.channel([near.port], [far.port]) as channel:
        assert await outcomes(channel, 40) == {OK: 40}
    assert (near.calls, far.calls) == (40, 0)


async def test_calls_leave_a_zone_whose_pods_are_sick(catalog: Destination) -> None:
    async with Host("refuses") as near, Host("answers") as far, catalog.channel([near.port], [far.port]) as channel:
        found = await outcomes(channel, 40)
    # The third failure ejects; until the main thread has told the one that takes calls, that may take another.
    assert found.keys() == {UNAVAILABLE, OK}
    assert 3 <= found[UNAVAILABLE] < 10
    assert far.calls == found[OK]


async def test_without_ejection_they_never_leave(catalog: Destination) -> None:
    nobody = {"maxEjectionPercent": 0}
    async with (
        Host("refuses") as near,
        Host("answers") as far,
        catalog.channel([near.port], [far.port], detection=nobody) as channel,
    ):
        assert await outcomes(channel, 40) == {UNAVAILABLE: 40}
    assert far.calls == 0


async def test_a_new_pod_gets_a_small_share_at_first_and_all_of_it_when_it_is_warm(catalog: Destination) -> None:
    warm_up = catalog.warm_up | {"duration": f"{WINDOW:g}s"}
    assert 0 < await catalog.share_of_a_new_one(least_request(warm_up)) < 0.4
    assert await catalog.share_of_a_new_one(least_request(warm_up), wanted=0.45) >= 0.45


async def test_without_warm_up_it_gets_all_of_its_share_at_once(catalog: Destination) -> None:
    assert await catalog.share_of_a_new_one(least_request(), calls=4 * CALLS) > 0.4


async def test_the_only_pod_gets_everything_however_new(catalog: Destination) -> None:
    async with Host("answers") as only, catalog.channel([only.port]) as channel:
        assert await outcomes(channel, 40) == {OK: 40}
