from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mesh.canary.act.lease import Lease
from mesh.chaos.commands.clean import cleaned
from mesh.chaos.problems import Refused
from mesh.chaos.undo import FILE, LABEL, config_map
from mesh.chosen_cluster import Cluster
from tests.canary.kubernetes_api import KubernetesApi

RUN = "20261121-154500-payments-slow"


@pytest.fixture
def api() -> KubernetesApi:
    """With what a run has left behind: a filter, and word of it."""
    api = KubernetesApi()
    api.put("envoyfilters", _ours("slow"))
    api.put("configmaps", {**_ours(config_map(RUN)), "data": {FILE: ""}})
    return api


def _ours(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", "labels": {LABEL: RUN}}}


@pytest.fixture
async def cluster(api: KubernetesApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    monkeypatch.setenv("ARGOSY_STATE", str(tmp_path))
    async with api.served() as config:
        yield _cluster(config, tmp_path / "kubeconfig")


def _cluster(config: Mapping[str, Any], kubeconfig: Path) -> Cluster:
    kubeconfig.write_text(yaml.safe_dump(config))
    return Cluster(kubeconfig, local=True)


def left(api: KubernetesApi) -> list[str]:
    return sorted(name for kind, name in api.objects if kind != "leases")


async def test_what_was_left_behind_is_taken_away_and_forgotten(cluster: Cluster, api: KubernetesApi) -> None:
    assert await cleaned(cluster, dry_run=False) == 0
    assert left(api) == []


async def test_it_may_be_asked_first_what_that_is(
    cluster: Cluster, api: KubernetesApi, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await cleaned(cluster, dry_run=True) == 0
    assert RUN in capfd.readouterr().err
    assert left(api) == [config_map(RUN), "slow"]


async def test_nothing_is_taken_from_a_run_that_is_under_way(cluster: Cluster, api: KubernetesApi) -> None:
    async with api.client() as client:
        await Lease(client, "chaos", name="chaos").acquire("anna@laptop pid 1 chaos doors")
    with pytest.raises(Refused, match="anna"):
        await cleaned(cluster, dry_run=False)
    assert left(api) == [config_map(RUN), "slow"]


async def test_a_file_of_another_cluster_that_was_here_before_is_not_undone(
    cluster: Cluster, api: KubernetesApi, tmp_path: Path
) -> None:
    folder = tmp_path / "chaos" / "20250101-000000-payments-slow"
    folder.mkdir(parents=True)
    planned = {"planned": 0, "fault": "scaled", "arguments": {"deployment": "catalog-v1", "replicas": 0}, "memory": {}}
    (folder / FILE).write_text(json.dumps(planned) + "\n")
    assert await cleaned(cluster, dry_run=False) == 0
    assert [path for _, path, _ in api.written if "deployments" in path] == []
