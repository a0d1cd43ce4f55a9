"""On a cluster signals find a service's process among all of its pod's, and no other."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from mesh.chosen_cluster import Cluster
from mesh.kubectl import Kubectl
from mesh.pod_processes import PodProcesses
from mesh.running_shop import ShopError

pytestmark = pytest.mark.processes

ENVOY = f"envoy-{os.getpid() % 10**8}"  # none of the machine's own
POD = Pod(metadata=ObjectMeta(name="catalog-v1-1"))


def processes(folder: Path) -> PodProcesses:
    """`kubectl exec` into this machine: what follows the two dashes is run here."""
    program = folder / "kubectl"
    program.write_text(
        f'#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\n[ "$1" = python ] || exec "$@"\n'
        f'shift\nexec {sys.executable} "$@"\n'
    )
    program.chmod(0o755)
    return PodProcesses(Kubectl(program, Cluster(folder / "kubeconfig")), envoy=ENVOY)


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


async def test_a_frozen_process_is_seen_to_be(tmp_path: Path) -> None:
    meant = await sleeping("services.tour-test")
    try:
        reached = processes(tmp_path)
        await reached.signal(POD, "tour-test", signal.SIGSTOP)
        assert await reached.state(POD, "tour-test") == "T"
    finally:
        meant.kill()
        await meant.wait()
    assert await reached.state(POD, "tour-test") == ""


async def test_a_pod_without_the_process_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ShopError, match=r"pod catalog-v1-1 has no process services\.tour-test"):
        await processes(tmp_path).signal(POD, "tour-test", signal.SIGTERM)


async def test_a_sidecar_is_found_by_what_the_kernel_calls_it(tmp_path: Path) -> None:
    """Its image has no Python."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    shutil.copy(sleep, tmp_path / ENVOY)
    envoy = await asyncio.create_subprocess_exec(tmp_path / ENVOY, "600")
    try:
        reached = processes(tmp_path)
        assert await reached.number(POD, "istio-proxy") == envoy.pid
        assert await reached.signal(POD, "istio-proxy", signal.SIGKILL) == envoy.pid
        assert await envoy.wait() == -signal.SIGKILL
        assert await reached.number(POD, "istio-proxy") == 0
    finally:
        if envoy.returncode is None:
            envoy.kill()
            await envoy.wait()
