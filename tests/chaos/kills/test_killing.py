"""Who is killed: any process of the shop that is well, each once, and never more pods at a time than may mend."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from lightkube.resources.core_v1 import Pod

from mesh.chaos.kills.killing import AT_ONCE, Killing, victims
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.chosen_cluster import Cluster
from mesh.local.state_folder import StateFolder
from mesh.pod_processes import LocalProcesses
from mesh.running_shop import Shop, pod_name
from tests.canary.kubernetes_api import KubernetesApi
from tests.loadtest.fake_clock import FakeClock

APPS = ("cart", "catalog", "gateway", "orders", "payments", "users")


def document(app: str, *, well: bool = True) -> dict[str, Any]:
    component = {} if app == "gateway" else {"app.kubernetes.io/component": "service"}
    service = [] if app == "gateway" else [{"name": app}]
    return {
        "metadata": {"name": f"{app}-v1-a", "namespace": "shop", "labels": {"app": app, **component}},
        "spec": {"containers": [*service, {"name": "istio-proxy"}]},
        "status": {"conditions": [{"type": "Ready", "status": str(well)}]},
    }


def pods(*sick: str) -> list[Pod]:
    made = [Pod.from_dict(document(app, well=app not in sick)) for app in APPS]
    return [pod for pod in made if isinstance(pod, Pod)]


def named(killed: dict[str, set[str]], *sick: str) -> set[str]:
    return {f"{pod_name(one.pod)} {one.container}" for one in victims(pods(*sick), killed)}


def test_every_service_and_every_proxy_may_be_killed_the_gateways_too() -> None:
    everybody = named({})
    assert len(everybody) == 2 * len(APPS) - 1
    assert {"orders-v1-a orders", "orders-v1-a istio-proxy", "gateway-v1-a istio-proxy"} <= everybody


def test_jobs_are_let_alone() -> None:
    auditor = Pod.from_dict(document("auditor") | {"metadata": {"name": "auditor-1", "labels": {"app": "auditor"}}})
    assert isinstance(auditor, Pod)
    assert victims([auditor], {}) == []


def test_who_was_killed_before_or_is_not_well_is_let_alone() -> None:
    left = named({"orders-v1-a": {"orders"}}, "cart")
    assert "orders-v1-a orders" not in left
    assert "orders-v1-a istio-proxy" in left
    assert not any(one.startswith("cart") for one in left)


def test_nobody_is_killed_while_too_many_are_mending() -> None:
    assert named({}, *APPS[: AT_ONCE - 1])
    assert not named({}, *APPS[:AT_ONCE])


class Marked(LocalProcesses):
    """Processes that nobody has to run: those that are killed are written down."""

    def __init__(self, folder: StateFolder) -> None:
        super().__init__(folder)
        self.killed: list[str] = []

    async def signal(self, pod: Pod, container: str, number: signal.Signals) -> int:
        assert number == signal.SIGKILL
        self.killed.append(f"{pod_name(pod)} {container}")
        return 1


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[Site, Marked, KubernetesApi]]:
    api = KubernetesApi()
    for app in APPS:
        api.put("pods", document(app))
    async with api.client() as client:
        processes = Marked(StateFolder(tmp_path))
        cluster = Cluster(tmp_path / "kubeconfig", local=True)
        yield Site(cluster, client, Shop(client), processes, "", "r", lambda _: None), processes, api


def killing(site: Site) -> Killing:
    return Killing(site, pods, Random(5), time.monotonic, asyncio.sleep)  # noqa: S311  # choices, not secrets


async def test_each_process_is_killed_once_and_a_pod_that_has_lost_all_is_replaced(
    site: tuple[Site, Marked, KubernetesApi],
) -> None:
    where, processes, api = site
    done = await killing(where).kill(2 * len(APPS) - 1, every=0.001)
    assert len(set(processes.killed)) == len(processes.killed) == len(done) == 2 * len(APPS) - 1
    assert not [name for kind, name in api.objects if kind == "pods"]


async def test_the_same_seed_kills_the_same_processes(site: tuple[Site, Marked, KubernetesApi]) -> None:
    where, processes, _ = site
    for _ in range(2):
        await killing(where).kill(6, every=0.001)
    assert processes.killed[:6] == processes.killed[6:]


async def test_a_shop_in_which_nobody_can_be_killed_is_told(site: tuple[Site, Marked, KubernetesApi]) -> None:
    where, _, _ = site
    clock = FakeClock()
    with pytest.raises(NotInjected, match="no pod has a process"):
        await clock.run(Killing(where, lambda: pods(*APPS), Random(5), clock.now, clock.sleep).kill(1, every=1.0))  # noqa: S311  # choices, not secrets
