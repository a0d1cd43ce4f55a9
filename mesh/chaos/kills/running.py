"""What is one run of random kills? Load, kills, peace, everything asked again, and then the books."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from grpc import aio
from lightkube.resources.apps_v1 import Deployment

from loadtest.open_loop import OpenLoop
from loadtest.shopper import open_shopper
from mesh.audit.job import run_auditor
from mesh.chaos.experiment import Load
from mesh.chaos.kills.insistent import Insistent, insistent
from mesh.chaos.kills.judging import FINAL_WITHIN, Seen
from mesh.chaos.kills.killing import Kill, Killing
from mesh.chaos.observe.observing import observing
from mesh.chaos.observed import Window
from mesh.chaos.problems import ChaosError
from mesh.chaos.site import Site

ORDERS = 5.0  # a second
OTHERS = Load(orders=0, browsing=8, pages=1)
WARM = 2.0  # seconds
AUDIT_PATIENCE = 240.0


async def kill_at_random(site: Site, times: int, *, every: float, seed: int) -> Seen:
    """Kill so many processes of the shop under load, one in `every` seconds on average; then see what it cost.

    Raises ChaosError, NotInjected. However it ends, there is nothing to undo: Kubernetes starts again what was killed.
    """
    async with observing(site, OTHERS, seed) as observer, _customers(site, seed) as customers:
        began, unix = observer.now(), time.time()
        async with _ordering(customers):
            await asyncio.sleep(WARM)
            killing = Killing(site, lambda: observer.pods, _drawn_from(seed), observer.now, asyncio.sleep)
            kills = await killing.kill(times, every)
            ended = observer.now()
            site.say("no more kills: waiting until every pod is Ready")
            await _peace(site)
        site.say("asking again for what was never answered")
        await customers.ask_again()
        observed = await observer.finished(Window(began, began + WARM, ended, observer.now(), unix))
        calls = {stream: dict(report.codes) for stream, report in observed.streams.items()}
        return await _with_books(site, customers, times, kills, calls)


def _drawn_from(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - victims, not secrets


@asynccontextmanager
async def _customers(site: Site, seed: int) -> AsyncIterator[Insistent]:
    async with open_shopper(site.gateway) as shopper:
        products = shopper.product_ids
    async with insistent(site.gateway, products, site.run, seed) as customers:
        yield customers


@asynccontextmanager
async def _ordering(customers: Insistent) -> AsyncIterator[None]:
    load = OpenLoop(customers.order, rate=ORDERS)
    ordering = asyncio.create_task(load.run())
    try:
        yield
    finally:
        load.stop()
        await ordering


async def _peace(site: Site) -> None:
    """Wait until every Deployment is as it should be. Raises TimeoutError."""
    deployments = site.client.list(Deployment, namespace=site.shop.namespace)
    for name in [str(each.metadata and each.metadata.name) async for each in deployments]:
        await site.shop.rolled_out(name)


async def _with_books(
    site: Site, customers: Insistent, times: int, kills: list[Kill], calls: dict[str, dict[str, int]]
) -> Seen:
    site.say(f"reading the books, at most {FINAL_WITHIN:.0f} s after the last order")
    said = await run_auditor(
        site.client, site.shop.namespace, settle=FINAL_WITHIN, timeout=AUDIT_PATIENCE, sleep=asyncio.sleep
    )
    try:
        orders = await customers.books()
    except aio.AioRpcError as error:
        raise ChaosError(f"the orders cannot be listed: {error.code().name}: {error.details()}") from error
    return Seen(times, kills, customers.told, orders, said.report, calls)
