"""Pods that are shell scripts, and the processes they became."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mesh.local.node.pod_record import PodRecord, read_all
from tests.node.conftest import Cluster
from tests.node.pods import Json

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
