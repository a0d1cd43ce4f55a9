"""Does a real API server, with Istio's webhook before it, hold the promises on which a canary acts?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random

import pytest
from lightkube import ApiError, AsyncClient
from rich.console import Console

from loadtest.shopper import Shopper
from loadtest.shopping import GOOD_CARD, wish
from mesh.canary.act.lease import EXPIRES_AFTER, Lease
from mesh.canary.act.route import Route, Sticky
from mesh.canary.act.routing import FIELD_MANAGER, Routing
from mesh.canary.measure.difference import NoData, difference
from mesh.canary.measure.scraping import sidecars
from mesh.canary.measure.source import Reading
from mesh.canary.problems import REFUSED, Drifted, Held
from mesh.local.progress import ConsoleProgress
from mesh.local.settings import read_settings
from tests.end_to_end.at_the_gateway import rpc
from tests.end_to_end.conftest import CLUSTER, argosy, eventually, kubectl

GET_PRODUCT = "/shop.catalog.v1.CatalogService/GetProduct"
PLACE_ORDER = "/shop.orders.v1.OrdersService/PlaceOrder"
COMPASS = b"\x0a\x0dbrass-compass"
ALWAYS = {"x-canary": "always"}
OPERATORS = [f"operator-{number}@laptop pid {number} run x" for number in range(8)]


@pytest.fixture
async def routing(client: AsyncClient) -> AsyncIterator[Routing]:
    """Catalog's route, where v1 has everything again at the end."""
    routing = Routing(client, "catalog")
    yield routing
    await routing.set_back("v1")


async def test_a_step_is_seen_by_everybody_and_belongs_to_us(routing: Routing) -> None:
    route = await routing.set_weights(await routing.look(), {"v1": 95, "v2": 5})
    seen = await routing.look()
    assert (seen.weights, seen.resource_version) == ({"v1": 95, "v2": 5}, route.resource_version)
    assert FIELD_MANAGER in {manager.name for manager in seen.managers}


async def test_what_kubectl_has_changed_is_drift_and_stays(routing: Routing) -> None:
    expected = await routing.look()
    path = f"/spec/http/{expected.index}/route"
    route = [{**one, "weight": weight} for one, weight in zip(expected.primary["route"], (70, 30), strict=True)]
    edit = json.dumps([{"op": "replace", "path": path, "value": route}])
    assert kubectl("patch", "virtualservice", "catalog", "--type=json", "-p", edit).code == 0
    with pytest.raises(Drifted, match=r"v1 70 %, v2 30 % \(by kubectl-patch\)"):
        await routing.set_weights(expected, {"v1": 95, "v2": 5})
    assert (await routing.look()).weights == {"v1": 70, "v2": 30}


async def test_of_many_who_step_at_once_one_does_and_nothing_is_overwritten(routing: Routing) -> None:
    expected = await routing.look()

    async def step(weight: int) -> int | Drifted:
        try:
            return (await routing.set_weights(expected, {"v1": 100 - weight, "v2": weight})).weights["v2"]
        except Drifted as drift:
            return drift

    outcomes = await asyncio.gather(*(step(weight) for weight in range(1, 9)))
    (won,) = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert (await routing.look()).weights == {"v1": 100 - won, "v2": won}


async def test_a_label_that_somebody_sets_meanwhile_does_not_stop_us(routing: Routing) -> None:
    expected = await routing.look()
    assert kubectl("label", "virtualservice", "catalog", "seen-by=somebody", "--overwrite").code == 0
    assert (await routing.set_weights(expected, {"v1": 95, "v2": 5})).weights["v2"] == 5
    assert kubectl("label", "virtualservice", "catalog", "seen-by-").code == 0


async def test_a_dry_run_goes_through_every_check_and_keeps_nothing(routing: Routing) -> None:
    before = await routing.look()
    would_be = await routing.set_weights(before, {"v1": 50, "v2": 50}, dry_run=True)
    now = await routing.look()
    assert would_be.weights == {"v1": 50, "v2": 50}
    assert (now.weights, now.resource_version) == (before.weights, before.resource_version)


async def test_what_istio_refuses_is_said_as_it_says_it(routing: Routing) -> None:
    with pytest.raises(ApiError, match=r"denied|invalid"):
        await routing.add_header_rule(await routing.look(), "v2", Sticky("a header", "of two words"))


async def test_a_smoke_test_meets_the_canary_at_weight_0_and_nobody_else_does(routing: Routing, gateway: str) -> None:
    await routing.add_header_rule(await routing.look(), "v2", Sticky.parse("x-tester=anna"))

    def answers(headers: dict[str, str]) -> str:
        return rpc(gateway, GET_PRODUCT, COMPASS, headers).pod[:10]

    eventually("who answers a smoke test", lambda: answers(ALWAYS), "catalog-v2")
    assert {answers(ALWAYS) for _ in range(20)} == {"catalog-v2"}
    assert {answers({"x-tester": "anna"}) for _ in range(20)} == {"catalog-v2"}
    assert {answers({}) for _ in range(20)} == {answers({"x-tester": "bert"})} == {"catalog-v1"}


async def test_a_smoke_test_meets_canaries_at_depth(routing: Routing, gateway: str, shopper: Shopper) -> None:
    await routing.add_header_rule(await routing.look(), "v2")
    products = shopper.product_ids
    order = wish(Random(7), products, "smoke", GOOD_CARD).request.SerializeToString()  # noqa: S311 - a choice
    progress = ConsoleProgress(Console(stderr=True))
    async with sidecars(CLUSTER, "catalog", ("v1", "v2"), read_settings({}), progress) as source:
        async with asyncio.timeout(60):
            before = await source.read()
            while orders_asked(before, await source.read()) == 0:
                rpc(gateway, PLACE_ORDER, order, ALWAYS)
                await asyncio.sleep(0.2)


def orders_asked(before: Reading, now: Reading) -> int:
    """How often v2 was asked by orders, which asks catalog what an order costs."""
    mine = {caller: seen for caller, seen in now.pods.items() if caller.pod.startswith("orders")}
    delta = difference(before, Reading(now.at, mine, now.missing, ""), ("v1", "v2"))
    return 0 if isinstance(delta, NoData) else delta.versions["v2"].requests


async def test_set_back_gives_everything_to_the_baseline_whatever_was_there(routing: Routing) -> None:
    route = await routing.set_weights(await routing.look(), {"v1": 10, "v2": 90})
    await routing.add_header_rule(route, "v2")
    route = await routing.set_back("v1")
    assert (route.weights, route.header_rule) == ({"v1": 100, "v2": 0}, None)


async def test_of_eight_operators_at_once_one_holds_the_lease(client: AsyncClient) -> None:
    leases = [Lease(client, "inventory") for _ in OPERATORS]
    outcomes = await asyncio.gather(
        *(lease.acquire(operator) for lease, operator in zip(leases, OPERATORS, strict=True)), return_exceptions=True
    )
    winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert len(winners) == 1
    assert all(isinstance(outcome, Held) for outcome in outcomes if outcome)
    found = await leases[0].look()
    assert found is not None
    assert found.holder == OPERATORS[winners[0]]
    assert 0 < found.left <= EXPIRES_AFTER + 2
    await leases[winners[0]].renew()
    assert await Lease(client, "inventory").steal("somebody else", "the test ends") == OPERATORS[winners[0]]
    assert kubectl("delete", "lease", "canary-inventory").code == 0


async def test_the_doctor_finds_nothing_against_a_canary_but_one_that_runs(
    routing: Routing, client: AsyncClient, gateway: str
) -> None:
    rpc(gateway, GET_PRODUCT, COMPASS)  # a shop that nobody has called cannot be measured
    well = argosy("canary", "doctor", "catalog", "--json")
    found = {line["what"]: line for line in map(json.loads, well.out.splitlines())}
    assert (well.code, [one for one in found.values() if one["level"] == "refused"]) == (0, []), well.err
    assert {"lock", "route", "subsets", "pods of v1", "pods of v2", "managed", "clock", "measured"} <= found.keys()
    lease = Lease(client, "catalog")
    await lease.acquire(OPERATORS[0])
    refused = argosy("canary", "doctor", "catalog")
    await lease.release()
    assert (refused.code, OPERATORS[0].partition(" ")[0] in refused.out) == (REFUSED, True), refused.out + refused.err


@pytest.mark.local_only("argosy up")
async def test_up_does_not_set_back_what_a_canary_has_set(routing: Routing) -> None:
    await routing.set_weights(await routing.look(), {"v1": 90, "v2": 10})
    refused = argosy("up")
    assert (refused.code, "left catalog at v1 90 %, v2 10 %" in refused.err) == (REFUSED, True), refused.err
    assert (await routing.look()).weights == {"v1": 90, "v2": 10}
    await routing.set_back("v1")
    assert argosy("up").code == 0
    assert isinstance(await routing.look(), Route)
