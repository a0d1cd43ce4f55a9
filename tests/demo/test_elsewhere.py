"""On a cluster the tour's signals find a service's process among all of its pod's, and no other."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from mesh.chosen_cluster import Cluster
from mesh.demo.elsewhere import PodProcesses
from mesh.kubectl import Kubectl
from mesh.running_shop import ShopError

pytestmark = pytest.mark.processes

POD = Pod(metadata=ObjectMeta(name="catalog-v1-1"))


def processes(folder: Path) -> PodProcesses:
    """`kubectl exec` into this machine: what follows the two dashes is run here."""
    program = folder / "kubectl"
    program.write_text(f'#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    return PodProcesses(Kubectl(program, Cluster(folder / "kubeconfig")))


async def sleeping(module: str) -> asyncio.subprocess.Process:
    sleep = "import time; time.sleep(600)"
    return await asyncio.create_subprocess_exec(sys.executable, "-c", sleep, "-m", module)


async def test_the_services_process_gets_the_signal_and_its_neighbour_does_not(tmp_path: Path) -> None:
    meant, neighbour = await sleeping("services.tour-test"), await sleeping("services.tour-test-2")
    try:
        assert await processes(tmp_path).signal(POD, "tour-test", signal.SIGTERM) == meant.pid
        assert await meant.wait() == -signal.SIGTERM
        assert neighbour.returncode is None
    finally:
        neighbour.kill()
        await neighbour.wait()


async def test_a_pod_without_the_process_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ShopError, match=r"pod catalog-v1-1 has no process services\.tour-test"):
        await processes(tmp_path).signal(POD, "tour-test", signal.SIGTERM)
