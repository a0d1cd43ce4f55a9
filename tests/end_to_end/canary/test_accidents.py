"""The canary's pods go, crash, or nobody can count any more: each ends as the documentation says. Under real load."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import psutil
import pytest

from loadtest.bench.local_cluster import LocalCluster
from loadtest.canary_run import following
from loadtest.shopper import Shopper
from mesh.canary.journal.entry import Kind
from mesh.canary.problems import PROMOTED, ROLLED_BACK
from mesh.running_shop import Shop
from tests.end_to_end.canary.customers import shopping
from tests.end_to_end.canary.route import BASELINE, taken_back, weights
from tests.end_to_end.canary.terminal import argosy, kubectl
from tests.end_to_end.conftest import STATE

CANARY = "catalog-v2"


@pytest.fixture
async def mended(shop: Shop) -> AsyncIterator[None]:
    """Catalog v2 has the pods and variables afterwards that it had before."""
    before = await deployed()
    yield
    if variables(await deployed()) != variables(before):
        await kubectl("rollout", "undo", f"deployment/{CANARY}")
    await shop.scale(CANARY, before["replicas"])


async def deployed() -> dict[str, Any]:
    """The spec of the canary's Deployment."""
    spec: dict[str, Any] = (await kubectl("get", "deployment", CANARY, "-o", "json")).json["spec"]
    return spec


def variables(spec: dict[str, Any]) -> object:
    return spec["template"]["spec"]["containers"][0]["env"]


async def test_a_canary_scaled_to_zero_is_rolled_back(mended: None, shopper: Shopper, quick: tuple[str, str]) -> None:
    async with shopping(shopper), following("start", "catalog", *quick) as run:
        await run.until(Kind.OBSERVED, step=0)
        await kubectl("scale", f"deployment/{CANARY}", "--replicas=0")
        assert await run.end() == ROLLED_BACK, run.said
        assert await weights("catalog") == BASELINE


@pytest.mark.proof("a rollout and its undoing")
async def test_a_crash_looping_canary_is_rolled_back(mended: None, shopper: Shopper, quick: tuple[str, str]) -> None:
    async with shopping(shopper), following("start", "catalog", *quick) as run:
        await run.until(Kind.OBSERVED, step=0)
        await kubectl("set", "env", f"deployment/{CANARY}", "DATABASE_CONNECTIONS=none")
        assert await run.end() == ROLLED_BACK, run.said
        assert await weights("catalog") == BASELINE
    (ended,) = run.of(Kind.ENDED)
    assert "crash" in ended.facts["reason"].lower()


THEIR_PROCESSES = pytest.mark.local_only("its sidecars are processes of this machine")


@THEIR_PROCESSES
@pytest.mark.proof("a whole run")
async def test_a_sidecar_that_counts_from_zero_again_is_no_reason_for_anything(
    shopper: Shopper, quick: tuple[str, str]
) -> None:
    async with shopping(shopper) as customers, following("start", "catalog", *quick) as run:
        await run.until(Kind.JUDGED, step=0)
        async with aiohttp.ClientSession() as session:
            for admin in LocalCluster(STATE).sidecars().values():
                async with session.post(f"http://{admin}/reset_counters") as response:
                    assert response.ok
        assert await run.end() == PROMOTED, run.said
        await taken_back("catalog")
    assert customers.turned_away == []


@THEIR_PROCESSES
@pytest.mark.proof("blocks without data take their time")
async def test_without_statistics_a_weight_above_the_safe_one_is_taken_back(
    shopper: Shopper, quick: tuple[str, str]
) -> None:
    async with shopping(shopper), following("start", "catalog", *quick) as run:
        await run.until(Kind.OBSERVED, step=0)
        with frozen(await gateways_envoy()):
            assert await run.end() == ROLLED_BACK, run.said
        assert await weights("catalog") == BASELINE
    assert run.of(Kind.NODATA)


async def gateways_envoy() -> psutil.Process:
    """The proxy through which every customer comes."""
    status = (await argosy("status", "--json")).json
    (pod,) = [pod for pod in status["pods"] if pod["name"].startswith("gateway-")]
    (agent,) = [each["pid"] for each in pod["containers"] if each["name"] == "istio-proxy"]
    (envoy,) = [each for each in psutil.Process(agent).children(recursive=True) if each.name() == "envoy"]
    return envoy


@contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """It answers nobody meanwhile, and no question about what it has counted."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()
