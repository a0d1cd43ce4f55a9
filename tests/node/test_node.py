from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mesh.local.node import pod_table
from mesh.local.node.pod_record import PodRecord, read_all
from mesh.local.process_identity import identify
from tests.node.conftest import Cluster
from tests.node.pods import Json
from tests.node.waiting import until

pytestmark = pytest.mark.processes

GRACEFUL = "trap 'echo term >> $OUT; exit 0' TERM; echo up >> $OUT; while :; do sleep 0.02; done"
STUBBORN = "trap 'echo term >> $OUT' TERM; echo up >> $OUT; while :; do sleep 0.02; done"


def pod(script: str = "sleep 1000", out: Path | None = None, **spec: Any) -> Json:
    environment = [{"name": "OUT", "value": str(out or "/dev/null")}]
    app = {"name": "app", "image": "argosy:dev", "command": ["sh", "-c", script], "env": environment}
    return {"metadata": {"labels": {"app": "catalog"}}, "spec": {"containers": [app], **spec}}


def record(cluster: Cluster, name: str) -> PodRecord:
    return next(each for each in read_all(cluster.config.state_dir / "pods") if each.name == name)


def pid(cluster: Cluster, name: str, container: str = "app") -> int:
    return record(cluster, name).containers[container].pid


def text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def test_a_pending_pod_is_bound_run_and_ready(cluster: Cluster) -> None:
    cluster.api.put("pods", "a", pod())
    async with cluster.node():
        await until(lambda: cluster.api.ready("a"))
        status = cluster.api.status("a")
        assert status["phase"] == "Running"
        assert status["podIP"] == "127.10.0.1"
        assert cluster.api.objects[("pods", "shop", "a")]["spec"]["nodeName"] == "local"
        assert cluster.api.objects[("workloadentries", "shop", "a")]["spec"]["address"] == "127.10.0.1"
        await until(lambda: cluster.api.reasons("a") == ["Scheduled", "Started"])


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


async def test_deleting_a_pod_takes_it_out_of_the_mesh_then_asks_then_removes_everything(
    cluster: Cluster, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    cluster.api.put("pods", "a", pod(GRACEFUL, out))
    async with cluster.node():
        await until(lambda: cluster.api.ready("a") and "up" in text(out))
        cluster.api.delete_pod("a")
        await until(lambda: not cluster.api.has("workloadentries", "a"))
        assert text(out) == "up\n"
        await until(lambda: not cluster.api.has("pods", "a"))
    assert text(out) == "up\nterm\n"
    done = [(method, what) for method, what, name in cluster.api.history if name == "a" and method == "DELETE"]
    assert done[:2] == [("DELETE", "workloadentries"), ("DELETE", "pods")]
    assert list((cluster.config.state_dir / "pods").iterdir()) == []
    assert list((cluster.config.state_dir / "logs").iterdir()) == []


async def test_a_second_delete_with_less_grace_shortens_the_first(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cluster.api.put("pods", "a", pod(STUBBORN, out))
    async with cluster.node():
        await until(lambda: cluster.api.ready("a") and "up" in text(out))
        cluster.api.delete_pod("a", grace=1000)
        await until(lambda: "term" in text(out))
        cluster.api.delete_pod("a", grace=1)
        await until(lambda: not cluster.api.has("pods", "a"))


async def test_a_pod_deleted_by_force_is_gone_at_once(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cluster.api.put("pods", "a", pod(STUBBORN, out))
    async with cluster.node():
        await until(lambda: cluster.api.ready("a") and "up" in text(out))
        process = pid(cluster, "a")
        cluster.api.delete_pod("a", grace=0)
        await until(lambda: identify(process) is None)
        await until(lambda: not cluster.api.has("workloadentries", "a"))


async def test_a_killed_application_leaves_the_mesh_until_it_is_back(cluster: Cluster, tmp_path: Path) -> None:
    slow = pod("rm -f $OUT; sleep 0.5; touch $OUT; sleep 1000", tmp_path / "up")
    slow["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["sh", "-c", "test -e $OUT"]}}
    cluster.api.put("pods", "a", slow)
    async with cluster.node():
        await until(lambda: cluster.api.ready("a"))
        os.kill(pid(cluster, "a"), signal.SIGKILL)
        await until(lambda: _restarts(cluster, "a") == 1)
        await until(lambda: cluster.api.ready("a"))
    entries = [method for method, what, _ in cluster.api.history if what == "workloadentries" and method != "GET"]
    assert entries == ["PATCH", "DELETE", "PATCH"]
    last = cluster.api.status("a")["containerStatuses"][0]["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (137, "Error")


async def test_a_job_that_ends_is_succeeded_or_failed(cluster: Cluster) -> None:
    cluster.api.put("pods", "good", pod("exit 0", restartPolicy="Never"))
    cluster.api.put("pods", "bad", pod("exit 2", restartPolicy="Never"))
    async with cluster.node():
        await until(lambda: cluster.api.status("good").get("phase") == "Succeeded")
        await until(lambda: cluster.api.status("bad").get("phase") == "Failed")


async def test_init_containers_run_in_order_before_the_others(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    inits = [
        {"name": f"init{n}", "image": "argosy:dev", "command": ["sh", "-c", f"echo {n} >> {out}"]} for n in range(2)
    ]
    cluster.api.put("pods", "a", pod("echo app >> $OUT; sleep 1000", out, initContainers=inits))
    async with cluster.node():
        await until(lambda: cluster.api.ready("a") and "app" in text(out))
    assert text(out) == "0\n1\napp\n"


async def test_a_pod_deleted_while_it_initializes_asks_its_init_container_too(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    slow = pod("echo app >> $OUT", out)
    slow["spec"]["initContainers"] = [
        {**slow["spec"]["containers"][0], "name": "init", "command": ["sh", "-c", GRACEFUL]}
    ]
    cluster.api.put("pods", "a", slow)
    async with cluster.node():
        await until(lambda: "up" in text(out))
        cluster.api.delete_pod("a")
        await until(lambda: not cluster.api.has("pods", "a"))
    assert text(out) == "up\nterm\n"


async def test_a_native_sidecar_runs_until_the_others_have_ended(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    beside = {"name": "beside", "image": "argosy:dev", "restartPolicy": "Always", "command": ["sh", "-c", GRACEFUL]}
    job = pod("until grep -q up $OUT; do sleep 0.02; done; echo app >> $OUT", out, restartPolicy="Never")
    job["spec"]["initContainers"] = [{**beside, "env": job["spec"]["containers"][0]["env"]}]
    cluster.api.put("pods", "a", job)
    async with cluster.node():
        await until(lambda: cluster.api.status("a").get("phase") == "Succeeded" and "term" in text(out))
    assert sorted(text(out).split()) == ["app", "term", "up"]


async def test_a_missing_config_map_is_said_and_waited_for(cluster: Cluster) -> None:
    waiting = pod()
    waiting["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "later"}}]
    cluster.api.put("pods", "a", waiting)
    async with cluster.node():
        waiting_for = {"reason": "CreateContainerConfigError", "message": 'configmap "later" not found'}
        await until(lambda: _state(cluster, "a") == {"waiting": waiting_for})
        await until(lambda: "Failed" in cluster.api.reasons("a"))
        cluster.api.put("configmaps", "later", {"data": {"K": "v"}})
        await until(lambda: cluster.api.ready("a"))


async def test_a_claim_is_bound_to_a_folder_that_outlives_the_pod(cluster: Cluster) -> None:
    claim = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    cluster.api.put("persistentvolumeclaims", "data", claim)
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    script = "echo kept > $ARGOSY_VOLUME_DATA/file; sleep 1000"
    cluster.api.put("pods", "a", pod(script, volumes=[volume]))
    folder = cluster.config.state_dir / "volumes" / "shop" / "data"
    async with cluster.node():
        await until(lambda: text(folder / "file") == "kept\n")
        await until(lambda: _bound(cluster))
        cluster.api.delete_pod("a", grace=1)
        await until(lambda: not cluster.api.has("pods", "a"))
        assert text(folder / "file") == "kept\n"
        cluster.api._remove(("persistentvolumeclaims", "shop", "data"))
        await until(lambda: not folder.exists())


def _bound(cluster: Cluster) -> bool:
    claim = cluster.api.objects[("persistentvolumeclaims", "shop", "data")]
    return bool(claim.get("status", {}).get("phase") == "Bound" and claim["spec"]["volumeName"])


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


def _state(cluster: Cluster, name: str) -> Json:
    statuses: list[Json] = cluster.api.status(name).get("containerStatuses", [{}])
    return dict(statuses[0].get("state", {}))


def _restarts(cluster: Cluster, name: str) -> int:
    statuses = cluster.api.status(name).get("containerStatuses", [{}])
    return int(statuses[0].get("restartCount", 0))
