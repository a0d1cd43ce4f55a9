"""On a cluster istiod is taken away by its number of replicas, and whoever gives it back need not know what it was."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mesh.chosen_cluster import Cluster
from mesh.kubectl import Kubectl
from mesh.pod_processes import PodProcesses
from mesh.running_shop import ShopError

pytestmark = pytest.mark.processes

# Knows one Deployment, istiod, kept in a file beside it; its Service answers while it has replicas.
KUBECTL = f"""#!{sys.executable}
import json, pathlib, sys
kept = pathlib.Path(__file__).with_name("istiod.json")
istiod = json.loads(kept.read_text())
annotations = istiod["metadata"].setdefault("annotations", {{}})
match [word for word in sys.argv[2:] if word != "--namespace=istio-system"]:
    case ["auth", "can-i", *_]:
        print(istiod["allowed"])
    case ["get", "--raw", _]:
        sys.exit(0 if istiod["spec"]["replicas"] else "no endpoints available")
    case ["get", *_]:
        print(json.dumps(istiod))
    case ["scale", _, replicas]:
        istiod["spec"]["replicas"] = int(replicas.partition("=")[2])
    case ["annotate", _, word, *_]:
        name, _, value = word.removesuffix("-").partition("=")
        annotations.pop(name, None) if word.endswith("-") else annotations.update({{name: value}})
    case other:
        sys.exit(f"unexpected: {{other}}")
kept.write_text(json.dumps(istiod))
"""


def elsewhere(folder: Path, *, replicas: int = 3, allowed: str = "yes") -> PodProcesses:
    istiod = {"metadata": {}, "spec": {"replicas": replicas}, "allowed": allowed}
    (folder / "istiod.json").write_text(json.dumps(istiod))
    program = folder / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    return PodProcesses(Kubectl(program, Cluster(folder / "kubeconfig")))


def istiod_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "istiod.json").read_text())
    return found


async def test_it_comes_back_with_as_many_replicas_as_it_had(tmp_path: Path) -> None:
    processes = elsewhere(tmp_path)
    await processes.stop_part("istiod")
    await processes.stop_part("istiod")  # a second time it has none, which is not what it had
    assert istiod_in(tmp_path)["spec"]["replicas"] == 0
    assert not await processes.part_works("istiod")

    await processes.start_part("istiod")
    assert istiod_in(tmp_path)["spec"]["replicas"] == 3
    assert istiod_in(tmp_path)["metadata"]["annotations"] == {}
    assert await processes.part_works("istiod")


async def test_giving_back_what_was_never_taken_changes_nothing(tmp_path: Path) -> None:
    before = elsewhere(tmp_path, replicas=0), istiod_in(tmp_path)
    await before[0].start_part("istiod")
    assert istiod_in(tmp_path)["spec"] == before[1]["spec"]


async def test_who_may_not_scale_it_is_told_so_before_anything_happens(tmp_path: Path) -> None:
    processes = elsewhere(tmp_path, allowed="no")
    assert "nobody here may scale istiod" in await processes.why_not("istiod")
    with pytest.raises(ShopError, match="nobody here may scale istiod"):
        await processes.stop_part("istiod")
    assert istiod_in(tmp_path)["spec"]["replicas"] == 3


async def test_the_api_server_of_a_cluster_is_never_stopped(tmp_path: Path) -> None:
    assert await elsewhere(tmp_path).why_not("apiserver") == "the apiserver of this cluster is not ours to stop"
