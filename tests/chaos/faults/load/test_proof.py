"""A crowd is proved by what the servers count, and gone only when nobody of it is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from mesh.chaos.faults.load import arriving, crowds
from mesh.chaos.faults.load.crowds import RetryStorm
from mesh.chaos.observe.counters import METRICS_PORT
from mesh.chaos.site import Site
from mesh.chosen_cluster import Cluster
from mesh.local.process_identity import this_process
from mesh.local.state_folder import StateFolder
from mesh.pod_processes import LocalProcesses
from mesh.running_shop import Shop
from tests.canary.kubernetes_api import KubernetesApi
from tests.chaos.observe.said import metrics
from tests.http_server import OWN_ADDRESS, serving

PLACE = "/shop.orders.v1.OrdersService/PlaceOrder"
ORDERS = {
    "metadata": {"name": "orders-v1-a", "labels": {"app": "orders", "app.kubernetes.io/component": "service"}},
    "spec": {"containers": [{"name": "orders"}]},
    "status": {"podIP": OWN_ADDRESS},
}


class Busy:
    """A server of orders at which `more` calls arrive between two looks."""

    def __init__(self) -> None:
        self.more, self._arrived = 10, 0

    async def answer(self, _: web.Request) -> web.Response:
        self._arrived += self.more
        return web.Response(text=metrics(started=self._arrived, method=PLACE))


@asynccontextmanager
async def shop(busy: Busy, folder: Path) -> AsyncIterator[Site]:
    api = KubernetesApi()
    api.put("pods", ORDERS)
    async with serving(web.get("/metrics", busy.answer), host=OWN_ADDRESS, port=METRICS_PORT), api.client() as client:
        cluster = Cluster(folder / "kubeconfig", local=True)
        yield Site(cluster, client, Shop(client), LocalProcesses(StateFolder(folder)), "", "r", lambda _: None)


async def test_it_is_there_when_many_more_arrive_and_gone_when_nobody_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "WATCHED", 0.1)
    busy, fault = Busy(), RetryStorm()
    async with shop(busy, tmp_path) as site:
        memory = await fault.plan(site)
        seen = [await fault.proof(site, memory)]
        monkeypatch.setattr(crowds, "members", lambda _: [this_process()])
        seen.append(await fault.proof(site, memory))  # its process lives, and nobody arrives: nobody can tell
        busy.more = 10_000
        seen.append(await fault.proof(site, memory))
    assert [proof.present for proof in seen] == [False, None, True]
