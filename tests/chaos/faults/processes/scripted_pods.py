"""Pods of a Deployment: objects of a scripted API server, and behind each the process of a container, which is real."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesh.chaos.site import Site
from mesh.chosen_cluster import Cluster
from mesh.local.process_identity import identify
from mesh.local.state_folder import StateFolder
from mesh.pod_processes import LocalProcesses
from mesh.running_shop import Shop
from tests.canary.kubernetes_api import KubernetesApi

RUN = "20261121-154500-test"
LABELS = {"app": "catalog", "version": "v1"}


@dataclass
class ScriptedPods:
    """The pods of Deployment catalog-v1 of a local cluster in `state`."""

    state: Path
    api: KubernetesApi = field(default_factory=KubernetesApi)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def add(self, name: str, *, restarts: int = 0) -> int:
        """A pod that is Ready, whose container was started again so often; its process's number."""
        process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        self.running[name] = process
        self.api.put("pods", pod(name, restarts))
        known = identify(process.pid)
        assert known is not None
        record: dict[str, Any] = {
            "namespace": "shop",
            "name": name,
            "uid": f"uid-{name}",
            "pod_ip": "127.0.0.1",
            "egress_ip": "127.0.0.1",
            "admin_port": 0,
            "status_port": 0,
            "containers": {"catalog": {"pid": process.pid, "start_time": known.started, "restarts": restarts}},
        }
        folder = StateFolder(self.state).pods / f"uid-{name}"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(record))
        return process.pid

    @asynccontextmanager
    async def site(self, *, local: bool = True) -> AsyncIterator[Site]:
        """What faults are made to; at the end no process is left."""
        selector = {"matchLabels": LABELS}
        replicas = len(self.running)
        self.api.put(
            "deployments",
            {
                "metadata": {"name": "catalog-v1", "namespace": "shop", "labels": LABELS, "generation": 1},
                "spec": {"replicas": replicas, "selector": selector, "template": {"metadata": {"labels": LABELS}}},
                "status": {
                    "observedGeneration": 1,
                    "replicas": replicas,
                    "updatedReplicas": replicas,
                    "availableReplicas": replicas,
                },
            },
        )
        try:
            async with self.api.client() as client:
                cluster = Cluster(self.state / "kubeconfig", local=local)
                processes = LocalProcesses(StateFolder(self.state))
                yield Site(cluster, client, Shop(client), processes, "", RUN, lambda _: None)
        finally:
            for process in self.running.values():
                process.kill()
                process.wait()


def pod(name: str, restarts: int) -> dict[str, Any]:
    """A pod of catalog-v1 that is Ready."""
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", "labels": LABELS},
        "spec": {"containers": [{"name": "catalog"}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": "catalog", "restartCount": restarts, "image": "", "imageID": "", "ready": True}
            ],
        },
    }
