"""How many tries do the retries of all layers make of one call, when a service fails three times in ten?

The fault is in each callee's own sidecar, so every layer meets it, and tries are counted at the servers: calls that
began there, and calls that a sidecar answered for them. A call is what orders asked for once (its own
counter), less what an open circuit kept off the wire: the ratio is what a sick service has to bear.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from lightkube import AsyncClient

from loadtest.bench.local_cluster import LocalCluster, running_cluster
from loadtest.bench.row import BenchUnavailable, Row
from loadtest.mesh_objects import ISTIOS_RETRIES, check_unchanged, replace, specs_of, stripped
from loadtest.open_loop import OpenLoop
from loadtest.server_calls import ABORTED, CALLED, REJECTED, STARTED, Counts, growth, read_counts, total
from loadtest.server_fault import failing
from loadtest.shopper import Shopper, open_shopper
from loadtest.wellness import until_well
from mesh.gateway import known
from mesh.running_shop import PROPAGATION, Shop

METHODS: Mapping[str, Sequence[str]] = {
    "catalog": ["/shop.catalog.v1.CatalogService/BatchGetProducts"],
    "inventory": [f"/shop.inventory.v1.InventoryService/{each}" for each in ("Reserve", "Commit", "Release")],
    "payments": [f"/shop.payments.v1.PaymentsService/{each}" for each in ("Charge", "Refund", "GetPayment")],
}
"""What orders calls, by callee."""
PLACE = "/shop.orders.v1.OrdersService/PlaceOrder"
PERCENT = 30
RATE, SECONDS = 25.0, 16.0  # of orders; longer than the budget's window, which a burst may spend at once
TARGET = 1.2
WORTH_ABORTS = 20  # fewer say nothing


async def measure(say: Callable[[str], None]) -> list[Row]:
    """The worst hop under each callee's failures; then, as context, with Istio's defaults in the mesh."""
    rows = []
    async with running_cluster(say) as cluster, cluster.client() as client, open_shopper(known()) as shopper:
        shop = Shop(client)
        for callee in METHODS:
            say(f"{PERCENT} % of {callee} failing")
            worst = max((await _hops(cluster, shop, shopper, callee)).values())
            name = f"amplification: tries per call, {PERCENT} % of {callee} failing, worst hop"
            rows.append(Row.at_most(name, round(worst, 2), TARGET, "x"))
        say("the same of payments, with Istio's default retries and no budget in the mesh")
        async with istio_defaults(client):
            control = (await _hops(cluster, shop, shopper, "payments"))["payments"]
    name = "amplification: the same of payments, Istio's default retries and no budget in the mesh"
    return [*rows, Row.context(name, round(control, 2), "x")]


async def _hops(cluster: LocalCluster, shop: Shop, shopper: Shopper, callee: str) -> Mapping[str, float]:
    """Tries per call at every hop. Raises BenchUnavailable when the shop is not well or the fault is hardly met."""
    apps = [*METHODS, "orders"]
    _, well = await until_well(shopper)
    if not well:
        raise BenchUnavailable("orders fail before any fault was injected")
    orders = OpenLoop(lambda _: shopper.place_order(timeout=5.0), rate=RATE)
    async with failing(shop.client, callee, METHODS[callee], percent=PERCENT):
        before = await read_counts(shop, cluster, apps)
        placed = len((await orders.run(duration=SECONDS)).samples)
        grown = growth(before, await read_counts(shop, cluster, apps))
    if (aborted := total(grown, app=callee, metric=ABORTED)) < WORTH_ABORTS:
        raise BenchUnavailable(f"only {aborted:.0f} calls of {callee} failed: the fault was not there")
    return hops(grown, placed)


def hops(grown: Counts, placed: int) -> Mapping[str, float]:
    """Tries per call of each service; of orders, per order that customers placed."""
    found = {"orders": _sum(grown, "orders", STARTED, [PLACE]) / placed}
    for callee, methods in METHODS.items():
        tried = _sum(grown, callee, STARTED, methods) + total(grown, app=callee, metric=ABORTED)
        called = _sum(grown, "orders", CALLED, methods) - _sum(grown, "orders", REJECTED, methods)
        found[callee] = tried / called if called else 0.0
    return found


def _sum(grown: Counts, app: str, metric: str, methods: Sequence[str]) -> float:
    return sum(total(grown, app=app, metric=metric, method=method) for method in methods)


@asynccontextmanager
async def istio_defaults(client: AsyncClient) -> AsyncIterator[None]:
    """The mesh as it is for whoever writes nothing: two retries, no budget, no outlier detection; then as before."""
    before = await specs_of(client)
    try:
        await replace(client, {name: stripped(spec, retries=ISTIOS_RETRIES) for name, spec in before.items()})
        await asyncio.sleep(PROPAGATION)
        yield
    finally:
        await replace(client, before)
        await asyncio.sleep(PROPAGATION)
        check_unchanged(before, await specs_of(client))
