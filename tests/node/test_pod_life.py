"""The life of a pod under a real node, from the API's list to its end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from mesh.local.process_identity import identify
from tests.node.conftest import Cluster
from tests.node.pods import Json
from tests.node.scripts import GRACEFUL, STUBBORN, pid, pod, text
from tests.node.waiting import until

pytestmark = pytest.mark.processes


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


def _state(cluster: Cluster, name: str) -> Json:
    statuses: list[Json] = cluster.api.status(name).get("containerStatuses", [{}])
    return dict(statuses[0].get("state", {}))


def _restarts(cluster: Cluster, name: str) -> int:
    statuses = cluster.api.status(name).get("containerStatuses", [{}])
    return int(statuses[0].get("restartCount", 0))
