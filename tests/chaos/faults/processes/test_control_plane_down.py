"""A part of the control plane is away until it is given back, by whoever does so first."""

from __future__ import annotations

import socket
from typing import Literal

import pytest

from mesh.chaos.faults.processes.control_plane_down import ControlPlaneDown
from tests.chaos.faults.processes.scripted_pods import ScriptedPods
from tests.local.scripted import ScriptedCluster, eventually

pytestmark = pytest.mark.processes


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize("part", ["istiod", "apiserver"])
async def test_a_part_answers_nobody_until_it_is_given_back(
    pods: ScriptedPods, part: Literal["istiod", "apiserver"]
) -> None:
    """Istiod has begun anew then, whichever of the two it was."""
    cluster = ScriptedCluster(pods.state)
    cluster.add_server("istiod", free_port())
    cluster.add_server("kube-apiserver", free_port())
    fault = ControlPlaneDown(part)
    with cluster.supervised():
        eventually(cluster.ready)
        async with pods.site() as site:
            memory = await fault.plan(site)
            assert (await fault.proof(site, memory)).present is False
            await fault.inject(site, memory)
            assert (await fault.proof(site, memory)).present is True

            await fault.remove(site, memory)
            assert cluster.part("istiod").restarts == 1
            await fault.remove(site, memory)
            assert (await fault.proof(site, memory)).present is False
            eventually(cluster.ready)
