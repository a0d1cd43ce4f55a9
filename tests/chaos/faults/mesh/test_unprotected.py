"""Exactly the layers of exactly the services that are named are gone."""

from __future__ import annotations

from typing import Any

from mesh.chaos.faults.mesh.unprotected import OFF, Unprotected
from tests.chaos.faults.mesh.scripted_cluster import SERVICES, ScriptedCluster


async def inject(cluster: ScriptedCluster, fault: Unprotected) -> None:
    async with cluster.site() as site:
        memory = await fault.plan(site)
        assert not (await fault.proof(site, memory)).present
        await fault.inject(site, memory)
        assert (await fault.proof(site, memory)).present


def unprotected_services(cluster: ScriptedCluster) -> set[str]:
    return {service for service in SERVICES if cluster.settings(service).items() >= OFF.items()}


def bare_rules(cluster: ScriptedCluster, name: str) -> set[str]:
    rules: list[dict[str, Any]] = cluster.objects["virtualservices", name]["spec"]["http"]
    return {rule["name"] for rule in rules if rule.get("retries") == {"attempts": 0}}


async def test_every_service_where_none_is_named(cluster: ScriptedCluster) -> None:
    await inject(cluster, Unprotected(app=True))
    assert unprotected_services(cluster) == {*SERVICES}
    assert bare_rules(cluster, "payments-mesh") == {"admin"}  # as committed


async def test_only_the_named_service_has_no_layers_of_its_own(cluster: ScriptedCluster) -> None:
    await inject(cluster, Unprotected(app=True, services=("orders",)))
    assert unprotected_services(cluster) == {"orders"}


async def test_only_what_stands_in_front_of_the_named_service_is_bare(cluster: ScriptedCluster) -> None:
    await inject(cluster, Unprotected(mesh=True, services=("catalog",)))
    assert unprotected_services(cluster) == set()
    assert bare_rules(cluster, "catalog-mesh") == {"admin", "mesh"}
    assert bare_rules(cluster, "payments-mesh") == {"admin"}
    assert bare_rules(cluster, "gateway") == {"catalog", "users-published"}
    assert "outlierDetection" not in cluster.objects["destinationrules", "catalog"]["spec"]["trafficPolicy"]
    assert "outlierDetection" in cluster.objects["destinationrules", "payments"]["spec"]["trafficPolicy"]


async def test_what_does_not_protect_cannot_be_taken_away(cluster: ScriptedCluster) -> None:
    async with cluster.site() as site:
        assert await Unprotected(mesh=True, services=("nobody",)).impossible(site)
        assert await Unprotected().impossible(site)
        assert not await Unprotected(mesh=True, services=("catalog",)).impossible(site)
