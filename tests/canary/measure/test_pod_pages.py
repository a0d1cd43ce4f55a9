"""Ways to a pod: through the API server, and where that is barred, through a port-forward."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import httpx2
import pytest
from aiohttp import web
from lightkube.resources.core_v1 import Pod

from mesh.canary.measure.envoy_stats import Subject, counters, samples
from mesh.canary.measure.scraping import PORT, STATISTICS
from mesh.chosen_cluster import Cluster
from mesh.kubectl import Kubectl
from mesh.pod_pages import ThroughApiServer, Tunnels, Unreached
from tests.canary.measure.envoy import Envoy
from tests.canary.measure.pods import parsed, pod
from tests.http_server import serving

CATALOG = Subject("catalog", "shop", ("v1", "v2"))
TARGET = f"{STATISTICS}?usedonly&filter={quote(CATALOG.filter, safe='')}"
ORDERS = parsed(pod("orders-1"))


class Elsewhere:
    """Another way, which says who came."""

    def __init__(self) -> None:
        self.came: list[str] = []

    async def ask(self, pod: Pod, port: int, target: str) -> str:
        self.came.append(f"{pod.metadata and pod.metadata.name}:{port}{target}")
        return "envoy_cluster_grpc_0 1\n"


@asynccontextmanager
async def answering(envoy: Envoy, *codes: int) -> AsyncIterator[tuple[int, list[str]]]:
    """A server with one sidecar behind it, and what was asked; it answers with `codes`, and then with statistics."""
    asked, left = [], list(codes)

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=left.pop(0)) if left else web.Response(text=envoy.text(request.query["filter"]))

    async with serving(web.get("/{path:.*}", answer)) as port:
        yield port, asked


@asynccontextmanager
async def through(port: int) -> AsyncIterator[tuple[ThroughApiServer, Elsewhere]]:
    elsewhere = Elsewhere()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        yield ThroughApiServer(http, elsewhere), elsewhere


async def test_the_api_server_asks_the_sidecar() -> None:
    envoy = Envoy()
    envoy.answered("v2", ok=3)
    async with answering(envoy) as (port, asked), through(port) as (way, elsewhere):
        text = await way.ask(ORDERS, PORT, TARGET)
    assert asked == [f"/api/v1/namespaces/shop/pods/orders-1:15090/proxy{STATISTICS}"]
    assert counters(samples(text), CATALOG)["v2"].statuses == {"OK": 3}
    assert elsewhere.came == []


@pytest.mark.parametrize("code", [403, 502, 503, 504])
async def test_a_pod_that_the_api_server_may_not_ask_is_asked_the_other_way_from_then_on(code: int) -> None:
    async with answering(Envoy(), code) as (port, asked), through(port) as (way, elsewhere):
        await way.ask(ORDERS, PORT, TARGET)
        await way.ask(ORDERS, PORT, TARGET)
    assert len(asked) == 1
    assert elsewhere.came == [f"orders-1:{PORT}{TARGET}"] * 2


async def test_a_port_that_is_barred_bars_no_other() -> None:
    async with answering(Envoy(), 503) as (port, asked), through(port) as (way, elsewhere):
        await way.ask(ORDERS, 9464, "/metrics")  # a service refuses who comes without mTLS
        await way.ask(ORDERS, PORT, TARGET)
    assert asked[1:] == [f"/api/v1/namespaces/shop/pods/orders-1:15090/proxy{STATISTICS}"]
    assert elsewhere.came == ["orders-1:9464/metrics"]


async def test_a_pod_that_is_gone_and_an_api_server_that_is_are_told_apart() -> None:
    async with answering(Envoy(), 404) as (port, _), through(port) as (way, elsewhere):
        with pytest.raises(Unreached, match="answers 404 for it"):
            await way.ask(ORDERS, PORT, TARGET)
    async with through(port) as (way, elsewhere):
        with pytest.raises(Unreached, match="the API server does not answer"):
            await way.ask(ORDERS, PORT, TARGET)
    assert elsewhere.came == []


def kubectl(folder: Path, says: str) -> Kubectl:
    """Stands in for kubectl: writes down its arguments, says something, and stays."""
    program = folder / "kubectl"
    program.write_text(f'#!/bin/sh\necho "$@" >>{folder}/arguments\necho "{says}"\nexec sleep 600\n', encoding="utf-8")
    program.chmod(0o755)
    return Kubectl(program, Cluster(folder / "kubeconfig"))


@pytest.mark.processes
async def test_one_port_forward_a_pod_serves_all_readings(tmp_path: Path) -> None:
    envoy = Envoy()
    envoy.answered("v2", ok=3)
    async with AsyncExitStack() as held, answering(envoy) as (port, asked):
        http = await held.enter_async_context(aiohttp.ClientSession())
        way = Tunnels(http, kubectl(tmp_path, f"Forwarding from 127.0.0.1:{port} -> 15090"), held)
        texts = await asyncio.gather(*(way.ask(ORDERS, PORT, TARGET) for _ in range(2)))
        assert asked == [STATISTICS] * 2
    assert [counters(samples(text), CATALOG)["v2"].statuses for text in texts] == [{"OK": 3}] * 2
    (arguments,) = (tmp_path / "arguments").read_text(encoding="utf-8").splitlines()
    assert "--namespace=shop" in arguments
    assert arguments.endswith("pod/orders-1 :15090")


@pytest.mark.processes
async def test_a_port_forward_that_is_refused_leaves_the_pod_unreached(tmp_path: Path) -> None:
    (tmp_path / "kubectl").write_text("#!/bin/sh\necho 'error: pods is forbidden'\nexit 1\n", encoding="utf-8")
    (tmp_path / "kubectl").chmod(0o755)
    async with AsyncExitStack() as held:
        http = await held.enter_async_context(aiohttp.ClientSession())
        way = Tunnels(http, Kubectl(tmp_path / "kubectl", Cluster(tmp_path / "kubeconfig")), held)
        with pytest.raises(Unreached, match="forbidden"):
            await way.ask(ORDERS, PORT, TARGET)
