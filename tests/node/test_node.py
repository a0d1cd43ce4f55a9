"""A real node: what it takes, what it survives, and what the next one finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mesh.local.node import pod_table
from mesh.local.process_identity import identify
from tests.node.conftest import Cluster
from tests.node.scripts import STUBBORN, pid, pod, text
from tests.node.waiting import until

pytestmark = pytest.mark.processes


async def test_the_node_registers_where_its_logs_are(cluster: Cluster) -> None:
    async with cluster.node():
        await until(lambda: ("PATCH", "nodes/status", "local") in cluster.api.history)
        status = cluster.api.objects[("nodes", "", "local")]["status"]
    assert status["addresses"][0] == {"type": "InternalIP", "address": "127.0.0.1"}
    assert f"127.0.0.1:{status['daemonEndpoints']['kubeletEndpoint']['Port']}" == cluster.config.log_address


async def test_a_pod_for_another_scheduler_or_node_is_left_alone(cluster: Cluster) -> None:
    cluster.api.put("pods", "other", pod(schedulerName="mine"))
    cluster.api.put("pods", "elsewhere", pod(nodeName="far-away"))
    cluster.api.put("pods", "ours", pod())
    async with cluster.node():
        await until(lambda: cluster.api.ready("ours"))
        assert cluster.api.status("other") == {}
        assert cluster.api.status("elsewhere") == {}


async def test_a_broken_watch_is_begun_anew_and_nothing_is_missed(cluster: Cluster) -> None:
    cluster.api.put("pods", "a", pod())
    async with cluster.node():
        await until(lambda: cluster.api.ready("a"))
        process = pid(cluster, "a")
        cluster.api.break_watches()
        del cluster.api.objects[("pods", "shop", "a")]  # nobody is told
        cluster.api.put("pods", "b", pod())
        await until(lambda: cluster.api.ready("b"))
        await until(lambda: identify(process) is None)


async def test_one_pod_that_cannot_be_run_does_not_disturb_another(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_table, "_AGAIN_SECONDS", 0.05)
    cluster.api.put("pods", "bad", pod())
    cluster.api.put("pods", "bad", cluster.api.objects.pop(("pods", "shop", "bad")), namespace="no-such-namespace")
    cluster.api.put("pods", "good", pod())
    async with cluster.node():
        await until(lambda: cluster.api.ready("good"))
        await until(lambda: "NodeError" in cluster.api.reasons("bad"))


async def test_a_pod_for_whom_no_address_is_left_says_so_and_runs_when_one_is_given_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_table, "_AGAIN_SECONDS", 0.05)
    cluster.config = replace(cluster.config, pod_cidr="127.10.0.0/30", egress_cidr="127.11.0.0/30")
    for name in "ab":
        cluster.api.put("pods", name, pod())
    async with cluster.node():
        await until(lambda: cluster.api.ready("a") and cluster.api.ready("b"))
        cluster.api.put("pods", "c", pod())
        await until(lambda: "NodeError" in cluster.api.reasons("c"))
        assert not cluster.api.ready("c")
        cluster.api.delete_pod("a", grace=0)
        await until(lambda: cluster.api.ready("c"))


async def test_a_status_that_the_api_refuses_is_written_later(cluster: Cluster) -> None:
    cluster.api.refused.add(("PATCH", "pods/status"))
    cluster.api.put("pods", "a", pod())
    async with cluster.node():
        await until(lambda: cluster.api.history.count(("PATCH", "pods/status", "a")) >= 1)
        cluster.api.refused.clear()
        await until(lambda: cluster.api.ready("a"))


async def test_a_node_that_stops_ends_its_processes_and_keeps_the_pods(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cluster.api.put("pods", "stubborn", pod(STUBBORN, out))
    cluster.api.put("pods", "easy", pod())
    async with cluster.node():
        await until(lambda: cluster.api.ready("stubborn") and cluster.api.ready("easy") and "up" in text(out))
        pids = [pid(cluster, name) for name in ("stubborn", "easy")]
    assert text(out) == "up\nterm\n"
    assert [identify(each) for each in pids] == [None, None]
    assert [cluster.api.status(name)["phase"] for name in ("stubborn", "easy")] == ["Running", "Running"]


async def test_the_next_node_runs_the_same_pods_again_at_their_addresses(cluster: Cluster) -> None:
    for name in "ab":
        cluster.api.put("pods", name, pod())
    async with cluster.node():
        await until(lambda: cluster.api.ready("a") and cluster.api.ready("b"))
    before = {name: cluster.api.status(name)["podIP"] for name in "ab"}
    cluster.api.put("workloadentries", "stale", {"metadata": {"labels": {"argosy.dev/node": "local"}}})
    async with cluster.node():
        await until(lambda: all(_restarts(cluster, name) == 1 and cluster.api.ready(name) for name in "ab"))
        assert {name: cluster.api.status(name)["podIP"] for name in "ab"} == before
        assert not cluster.api.has("workloadentries", "stale")


async def test_a_pod_that_was_being_deleted_when_the_node_stopped_is_removed_by_the_next(cluster: Cluster) -> None:
    cluster.api.put("pods", "a", pod())
    async with cluster.node():
        await until(lambda: cluster.api.ready("a"))
    cluster.api.delete_pod("a", grace=1000)
    async with cluster.node():
        await until(lambda: not cluster.api.has("pods", "a"))


async def test_pods_that_start_together_do_not_share_an_address(cluster: Cluster) -> None:
    for number in range(5):
        cluster.api.put("pods", f"p{number}", pod())
    async with cluster.node():
        await until(lambda: all(cluster.api.ready(f"p{number}") for number in range(5)))
        assert len({cluster.api.status(f"p{number}")["podIP"] for number in range(5)}) == 5


def _restarts(cluster: Cluster, name: str) -> int:
    statuses = cluster.api.status(name).get("containerStatuses", [{}])
    return int(statuses[0].get("restartCount", 0))
