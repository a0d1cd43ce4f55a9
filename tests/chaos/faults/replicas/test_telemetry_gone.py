"""Spans go where nobody takes them, and afterwards where they went before."""

from __future__ import annotations

from typing import Any

from mesh.chaos.faults.replicas.telemetry_gone import NOWHERE, TelemetryGone
from tests.chaos.faults.replicas.scripted_controller import ScriptedController

GONE = TelemetryGone(("orders-v1",))
FAILED = '{"message": "Failed to export traces to 127.0.0.1:9, error code: StatusCode.UNAVAILABLE"}\n'


def variables(cluster: ScriptedController) -> list[dict[str, Any]]:
    [container] = cluster.deployment("orders-v1")["spec"]["template"]["spec"]["containers"]
    return list(container["env"])


async def test_its_variables_are_changed_and_put_back() -> None:
    cluster = ScriptedController("orders-v1")
    before = variables(cluster)
    async with cluster.site() as site:
        memory = await GONE.plan(site)
        await GONE.inject(site, memory)
        assert {each["name"]: each["value"] for each in variables(cluster)}.items() >= NOWHERE.items()
        await GONE.remove(site, memory)
        await GONE.remove(site, memory)
    assert variables(cluster) == before


async def test_it_is_proved_by_what_the_pods_say() -> None:
    cluster = ScriptedController("orders-v1")
    async with cluster.site() as site:
        memory = await GONE.plan(site)
        await GONE.inject(site, memory)
        assert (await GONE.proof(site, memory)).present is False
        cluster.log = FAILED
        assert (await GONE.proof(site, memory)).present
