"""What is done to the shop? Five faults, each at the servers, where every layer in front of them can see it.

Each can prove that it was met: a fault that nobody meets makes every layer look perfect.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

import psutil
from lightkube.resources.core_v1 import Pod

from loadtest.compare.stage import Stage
from loadtest.server_calls import ABORTED, STARTED, growth, total
from loadtest.server_fault import failing
from mesh.local.reported import ready
from mesh.running_shop import pod_name

CHARGE = "/shop.payments.v1.PaymentsService/Charge"
PRICES = "/shop.catalog.v1.CatalogService/BatchGetProducts"
MENDED_WITHIN = 60.0  # seconds, for Kubernetes to have a pod Ready again


Proof = Callable[[], Awaitable[float]]
"""How much of the fault has been met so far: calls, or processes; 0 while it is not there."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. `prepare` holds what it needs, `inject` is the fault itself."""

    key: str
    title: str
    app: str  # whose servers are sick
    method: str  # what an order needs of them
    lasting: bool  # it goes on until it is ended; else it happens, and the shop has to mend
    prepare: Callable[[Stage], AbstractAsyncContextManager[None]]
    inject: Callable[[Stage], AbstractAsyncContextManager[Proof]]


def bad_payments(failure_rate: float, extra_latency: float) -> Callable[[Stage], AbstractAsyncContextManager[None]]:
    """Payments v2 with these settings, without traffic so far."""

    @asynccontextmanager
    async def prepared(stage: Stage) -> AsyncIterator[None]:
        values = {"FAILURE_RATE": f"{failure_rate:g}", "EXTRA_LATENCY": f"{extra_latency:g}"}
        async with stage.shop.variables("payments-v2", values):
            yield

    return prepared


@asynccontextmanager
async def on_bad_payments(stage: Stage) -> AsyncIterator[Proof]:
    """Every charge goes to payments v2."""
    [bad] = await stage.shop.pods("payments", "v2")
    before = await stage.counts(["payments"])

    async def charged() -> float:
        grown = growth(before, await stage.counts(["payments"]))
        return total(grown, pod=pod_name(bad), metric=STARTED, method=CHARGE)

    try:
        await stage.shop.set_weights("payments", {"v1": 0, "v2": 100})
        yield charged
    finally:
        await stage.shop.set_weights("payments", {"v1": 100, "v2": 0})


@asynccontextmanager
async def catalog_failing(stage: Stage) -> AsyncIterator[Proof]:
    """Three in ten questions for prices end in UNAVAILABLE, answered in catalog's own sidecar."""
    before = await stage.counts(["catalog"])

    async def aborted() -> float:
        return total(growth(before, await stage.counts(["catalog"])), metric=ABORTED)

    async with failing(stage.shop.client, "catalog", [PRICES], percent=30):
        yield aborted


@asynccontextmanager
async def two_catalogs(stage: Stage) -> AsyncIterator[None]:
    """Two pods of catalog v1."""
    try:
        await stage.shop.scale("catalog-v1", 2)
        yield
    finally:
        await stage.shop.scale("catalog-v1", 1)


@asynccontextmanager
async def catalog_killed(stage: Stage) -> AsyncIterator[Proof]:
    """The process of one pod gets SIGKILL; the node starts it again."""
    pod = (await stage.shop.pods("catalog", "v1"))[0]
    process = psutil.Process(await stage.process_of(pod, "catalog"))
    process.kill()

    async def gone() -> float:
        return not process.is_running()

    yield gone
    await _until(stage, pod, lambda fresh: restarts(fresh) > restarts(pod) and ready(fresh))


@asynccontextmanager
async def catalog_frozen(stage: Stage) -> AsyncIterator[Proof]:
    """The process of one pod gets SIGSTOP: it holds its connections and answers nobody."""
    pod = (await stage.shop.pods("catalog", "v1"))[0]
    process = psutil.Process(await stage.process_of(pod, "catalog"))

    async def stopped() -> float:
        return process.is_running() and process.status() == psutil.STATUS_STOPPED

    process.suspend()
    try:
        yield stopped
    finally:
        with suppress(psutil.NoSuchProcess):  # the liveness probe was quicker
            process.resume()
    await _until(stage, pod, ready)


async def _until(stage: Stage, pod: Pod, reached: Callable[[Pod], bool]) -> None:
    async with asyncio.timeout(MENDED_WITHIN):
        while not reached(await stage.shop.client.get(Pod, pod_name(pod), namespace=stage.shop.namespace)):
            await asyncio.sleep(0.2)


def restarts(pod: Pod) -> int:
    """How often the pod's containers were started again."""
    statuses = pod.status.containerStatuses if pod.status else None
    return sum(status.restartCount for status in statuses or [])


@asynccontextmanager
async def _nothing(_: Stage) -> AsyncIterator[None]:
    yield


FAULTS = {
    fault.key: fault
    for fault in (
        Fault(
            *("payments-failing", "payments: 30 % of charges fail", "payments", CHARGE),
            lasting=True,
            prepare=bad_payments(0.3, 0.0),
            inject=on_bad_payments,
        ),
        Fault(
            *("payments-slow", "payments: every charge takes 2 s longer", "payments", CHARGE),
            lasting=True,
            prepare=bad_payments(0.0, 2.0),
            inject=on_bad_payments,
        ),
        Fault(
            *("catalog-failing", "catalog: 30 % UNAVAILABLE", "catalog", PRICES),
            lasting=True,
            prepare=_nothing,
            inject=catalog_failing,
        ),
        Fault(
            *("catalog-killed", "catalog: one of two pods killed (SIGKILL)", "catalog", PRICES),
            lasting=False,
            prepare=two_catalogs,
            inject=catalog_killed,
        ),
        Fault(
            *("catalog-frozen", "catalog: one of two pods frozen (SIGSTOP)", "catalog", PRICES),
            lasting=False,
            prepare=two_catalogs,
            inject=catalog_frozen,
        ),
    )
}
