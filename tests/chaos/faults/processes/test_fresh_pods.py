"""Pods whose containers have ended before are replaced, others are left alone."""

from __future__ import annotations

import pytest

from mesh.chaos.faults.processes.fresh_pods import FreshPods
from tests.chaos.faults.processes.scripted_pods import ScriptedPods

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(("restarts", "replaced"), [(0, False), (1, True)])
async def test_only_pods_that_were_hurt_are_replaced(pods: ScriptedPods, restarts: int, *, replaced: bool) -> None:
    pods.add("catalog-v1-a", restarts=restarts)
    fault = FreshPods(("catalog-v1",))
    async with pods.site() as site:
        memory = await fault.plan(site)
        assert (await fault.proof(site, memory)).present is not replaced
        await fault.inject(site, memory)
    assert bool(pods.api.written) is replaced
