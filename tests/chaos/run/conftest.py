from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesh.chaos.faults import load
from mesh.chaos.site import Site
from mesh.chosen_cluster import Cluster
from mesh.local.state_folder import StateFolder
from mesh.pod_processes import LocalProcesses
from mesh.running_shop import Shop
from tests.canary.kubernetes_api import KubernetesApi
from tests.chaos.run.door import Door, Slam

RUN = "20261121-154500-doors"


@pytest.fixture(autouse=True)
def doors(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are two kinds more."""
    monkeypatch.setattr(load, "KINDS", {**load.KINDS, Door.kind: Door, Slam.kind: Slam})


@pytest.fixture
def api() -> KubernetesApi:
    return KubernetesApi()


@pytest.fixture
async def site(api: KubernetesApi, tmp_path: Path) -> AsyncIterator[Site]:
    async with api.client() as client:
        cluster = Cluster(tmp_path / "kubeconfig", local=True)
        processes = LocalProcesses(StateFolder(tmp_path))
        yield Site(cluster, client, Shop(client), processes, "", RUN, lambda _: None)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Where the doors are."""
    folder = tmp_path / "house"
    folder.mkdir()
    return folder
