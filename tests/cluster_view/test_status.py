"""`argosy status` of a cluster that KUBECONFIG names, before a scripted one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.deploy.objects import overlay, workload
from tests.deploy.scripted_cluster import ScriptedCluster
from tests.deploy.test_command import argosy

pytestmark = pytest.mark.processes

SHOP = overlay(workload("Deployment", "catalog-v1"))


async def test_a_deployed_shop_is_ready(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP, groups=())
    assert (await argosy(cluster, tmp_path, "deploy", "kind"))[0] == 0
    code, out, err = await argosy(cluster, tmp_path, "status", "--json")
    assert (code, json.loads(out)["ready"]) == (0, True), err


async def test_a_deployment_without_its_replicas_is_missed(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP, groups=())
    assert (await argosy(cluster, tmp_path, "deploy", "kind"))[0] == 0
    cluster.statuses["catalog-v1"] = {"observedGeneration": 1}
    code, out, _ = await argosy(cluster, tmp_path, "status", "--json")
    assert (code, json.loads(out)["missing"]) == (1, ["catalog-v1: 0 of 1 replicas ready"])
    _, out, _ = await argosy(cluster, tmp_path, "status")
    assert "catalog-v1: 0 of 1 replicas ready" in out


async def test_where_no_shop_is_it_says_how_to_bring_it(tmp_path: Path) -> None:
    code, out, _ = await argosy(ScriptedCluster(SHOP), tmp_path, "status")
    assert code == 1
    assert "`argosy deploy` brings the shop" in out
