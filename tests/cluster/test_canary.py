"""Can a version be promoted and rolled back, and a fault be injected, by whoever has kubectl and nothing else?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from grpc import StatusCode

from loadtest.open_loop import OpenLoop
from loadtest.report import Report
from loadtest.shopper import Shopper
from tests.cluster.crowd import failures
from tests.end_to_end.conftest import Done, kubectl

CALLS = 300
ROUTE = "/spec/http/0/route"
FAULT = {
    "name": "fault",
    "match": [{"sourceLabels": {"app": "orders"}}],
    "fault": {"abort": {"percentage": {"value": 100}, "grpcStatus": "UNAVAILABLE"}},
    "retries": {"attempts": 0},
    "route": [{"destination": {"host": "inventory", "subset": "v1"}}],
}


def patched(service: str, *operations: dict[str, Any]) -> Done:
    return kubectl("patch", "virtualservice", service, "--type=json", "-p", json.dumps(operations))


def shift(old: int, new: int) -> list[dict[str, Any]]:
    """Catalog v2 from `old` to `new` per cent, unless somebody else has moved it meanwhile."""
    return [
        {"op": "test", "path": f"{ROUTE}/1/weight", "value": old},
        {"op": "replace", "path": f"{ROUTE}/0/weight", "value": 100 - new},
        {"op": "replace", "path": f"{ROUTE}/1/weight", "value": new},
    ]


@pytest.fixture
def routes(cluster: None) -> Iterator[None]:
    """Catalog's and inventory's routes, as they were at the end."""
    before = {
        name: kubectl("get", "virtualservice", name, "-o", "json").json["spec"] for name in ("catalog", "inventory")
    }
    yield
    for name, spec in before.items():
        assert patched(name, {"op": "replace", "path": "/spec", "value": spec}).code == 0


async def browsed(shopper: Shopper) -> Report:
    return await OpenLoop(lambda _: shopper.get_product(timeout=2.0), rate=100).run(calls=CALLS)


async def reached(shopper: Shopper, share: int) -> Report:
    """Browse until the answers come from v2 as the share says (to five standard deviations); the last look."""
    spread = 5 * (CALLS * share / 100 * (1 - share / 100)) ** 0.5
    async with asyncio.timeout(60):
        while abs((report := await browsed(shopper)).versions["v2"] - CALLS * share / 100) > spread:
            assert failures(report) == []
    return report


async def test_a_canary_is_promoted_and_rolled_back_without_a_failed_call(routes: None, shopper: Shopper) -> None:
    before = 0
    for share in (10, 50, 100, 0):
        assert patched("catalog", *shift(before, share)).code == 0
        assert failures(await reached(shopper, share)) == []
        before = share


async def test_a_step_taken_from_where_it_no_longer_is_changes_nothing(routes: None, shopper: Shopper) -> None:
    assert patched("catalog", *shift(0, 10)).code == 0
    assert patched("catalog", *shift(0, 50)).code != 0
    (rule,) = kubectl("get", "virtualservice", "catalog", "-o", "json").json["spec"]["http"]
    assert [each["weight"] for each in rule["route"]] == [90, 10]


async def test_a_fault_comes_and_goes_by_the_api_alone(routes: None, shopper: Shopper) -> None:
    async def ordered(code: StatusCode) -> None:
        async with asyncio.timeout(60):
            while (await shopper.place_order(timeout=5.0)).code is not code:
                await asyncio.sleep(0.2)

    await ordered(StatusCode.OK)
    assert patched("inventory", {"op": "add", "path": "/spec/http/0", "value": FAULT}).code == 0
    await ordered(StatusCode.UNAVAILABLE)
    assert failures(await browsed(shopper)) == []  # catalog is none of inventory's callers
    assert patched("inventory", {"op": "remove", "path": "/spec/http/0"}).code == 0
    await ordered(StatusCode.OK)
