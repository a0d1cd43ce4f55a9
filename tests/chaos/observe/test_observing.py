"""A run watched from its first call to its last, on a scripted shop and a scripted API server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import web
from grpc import StatusCode

from mesh.chaos.experiment import Load
from mesh.chaos.observe.counters import METRICS, METRICS_PORT
from mesh.chaos.observe.environment import environment
from mesh.chaos.observe.observing import Observer, observing
from mesh.chaos.observed import Happened, Window
from mesh.chaos.problems import ChaosError
from mesh.chaos.site import Site
from mesh.chaos.undo import LABEL
from mesh.chosen_cluster import Cluster
from mesh.local.state_folder import StateFolder
from mesh.pod_processes import LocalProcesses
from mesh.running_shop import Shop
from tests.canary.kubernetes_api import KubernetesApi
from tests.http_server import OWN_ADDRESS, serving
from tests.loadtest.scripted_shop import ScriptedShop, fail, open_shop

KUBECONFIG = "current-context: scripted\n"


@asynccontextmanager
async def site(api: KubernetesApi, gateway: str, folder: Path) -> AsyncIterator[Site]:
    (folder / "kubeconfig").write_text(KUBECONFIG, encoding="utf-8")
    async with api.client() as client:
        cluster = Cluster(folder / "kubeconfig", local=True)
        yield Site(cluster, client, Shop(client), LocalProcesses(StateFolder(folder)), gateway, "r", lambda _: None)


async def calls(shop: ScriptedShop, number: int) -> None:
    wanted = shop.calls["PlaceOrder"] + number
    async with asyncio.timeout(30):
        while shop.calls["PlaceOrder"] < wanted:
            await asyncio.sleep(0.02)


async def test_calls_count_for_the_phase_they_were_due_in(tmp_path: Path) -> None:
    async with open_shop() as shop, site(KubernetesApi(), shop.target, tmp_path) as where:
        async with observing(where, Load(orders=50, browsing=20, pages=0)) as observer:
            assert observer.streams == ("orders", "browsing")
            began, unix = observer.now(), time.time()
            await calls(shop, 5)
            shop.scripts["PlaceOrder"] = fail(StatusCode.UNAVAILABLE)
            injected = observer.event(Happened.INJECTED, "payments", "is gone").at
            await calls(shop, 5)
            assert observer.recent("orders", 5.0).failures
            del shop.scripts["PlaceOrder"]
            removed = observer.event(Happened.REMOVED, "payments").at
            async with asyncio.timeout(30):
                while observer.well_for(removed) < 0.2:
                    await asyncio.sleep(0.02)
            seen = await observer.finished(Window(began, injected, removed, observer.now(), unix))
        after = shop.calls["PlaceOrder"]
    orders = seen.streams["orders"]
    assert not orders.between(began, injected - 0.5).failures
    assert orders.between(injected, removed).failures
    assert not seen.streams["browsing"].failures
    assert [event.kind for event in seen.events] == [Happened.INJECTED, Happened.REMOVED]
    assert len(orders.samples) == after  # the load has ended, and every call is known


async def test_everybody_was_asked_once_before_the_first_customer_comes(tmp_path: Path) -> None:
    api, came = KubernetesApi(), list[int]()
    metadata = {"name": "orders-v1-a", "labels": {"app": "orders", "app.kubernetes.io/component": "service"}}
    api.put("pods", {"metadata": metadata, "spec": {"containers": []}, "status": {"podIP": OWN_ADDRESS}})

    async def answer(_: web.Request) -> web.Response:
        with suppress(TimeoutError):
            await asyncio.wait_for(calls(shop, 1), 0.0 if came else 0.5)  # the first time, somebody could come
        came.append(shop.calls["PlaceOrder"])
        return web.Response(text="")

    load = Load(orders=50, browsing=0, pages=0)
    async with (
        open_shop() as shop,
        serving(web.get(METRICS, answer), host=OWN_ADDRESS, port=METRICS_PORT),
        site(api, shop.target, tmp_path) as where,
        observing(where, load),
    ):
        await calls(shop, 5)
    assert came[0] == 0


async def leave_early(where: Site, shop: ScriptedShop) -> None:
    async with observing(where, Load(orders=20, browsing=0, pages=0)):
        await calls(shop, 2)
        raise RuntimeError("enough")


async def test_whoever_leaves_early_leaves_nothing_running(tmp_path: Path) -> None:
    async with open_shop() as shop, site(KubernetesApi(), shop.target, tmp_path) as where:
        with pytest.raises(RuntimeError, match="enough"):
            await leave_early(where, shop)
        tasks = " ".join(map(repr, asyncio.all_tasks()))
    assert not [name for name in ("OpenLoop", "Observer", "Pods", "follow_routes") if name in tasks]


async def test_pods_that_come_and_go_are_on_the_timeline_but_not_those_of_the_fault(tmp_path: Path) -> None:
    api = KubernetesApi()
    peer = {"metadata": {"name": "chaos-reset-catalog", "labels": {LABEL: "r"}}, "spec": {"containers": []}}
    pod = {"metadata": {"name": "catalog-v1-b", "labels": {"app": "catalog"}}, "spec": {"containers": []}}
    load = Load(orders=0, browsing=20, pages=0)
    async with open_shop() as shop, site(api, shop.target, tmp_path) as where, observing(where, load) as observer:
        api.put("pods", peer)
        api.put("pods", pod)
        await told(observer, "created")
        del api.objects["pods", "catalog-v1-b"]
        await told(observer, "gone")
    assert [(event.kind, event.subject) for event in observer.events] == [(Happened.POD, "catalog-v1-b")] * 2


async def told(observer: Observer, detail: str) -> None:
    async with asyncio.timeout(30):
        while not any(event.detail == detail for event in observer.events):
            await asyncio.sleep(0.02)


async def test_a_shop_that_lets_nobody_in_is_told(tmp_path: Path) -> None:
    async with site(KubernetesApi(), "127.0.0.1:1", tmp_path) as where:
        with pytest.raises(ChaosError, match="no customer gets in"):
            async with observing(where, Load()):
                pass


async def test_the_environment_says_what_can_be_had(tmp_path: Path) -> None:
    api = KubernetesApi()
    container = {"name": "orders", "image": "argosy:dev"}
    spec = {"replicas": 2, "selector": {}, "template": {"spec": {"containers": [container]}}}
    api.put("deployments", {"metadata": {"name": "orders-v1"}, "spec": spec})
    async with site(api, "", tmp_path) as where:
        found = await environment(where, seed=7)
        api.put("virtualservices", {"metadata": {"name": "orders"}, "spec": {"http": []}})
        changed = await environment(where, seed=7)
    assert (found["context"], found["local"], found["seed"]) == ("scripted", True, 7)
    assert (found["replicas"], found["images"]) == ({"orders-v1": 2}, {"orders-v1": "argosy:dev"})
    assert found["envoy"]
    assert "kubernetes" not in found  # this API server does not say
    before, after = found["configuration"], changed["configuration"]
    assert {kind for kind in before if before[kind] != after[kind]} == {"VirtualService"}
