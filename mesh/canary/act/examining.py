"""What is there before a canary begins? Seen through the Kubernetes API and the callers' sidecars; judged elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from lightkube import ApiError, AsyncClient
from lightkube.generic_resource import create_namespaced_resource

from mesh.canary.act.lease import Lease
from mesh.canary.act.managed import application_of, reverts
from mesh.canary.act.pods import pods_of
from mesh.canary.act.preconditions import Facts, Finding, findings
from mesh.canary.act.route import Route
from mesh.canary.act.routing import Routing
from mesh.canary.act.server_clock import ahead
from mesh.canary.measure.source import Source
from mesh.canary.measure.traffic import seen_for
from mesh.chosen_cluster import NAMESPACE
from mesh.istio_kinds import DestinationRule

LOOKS_FOR = 5.0
Application = create_namespaced_resource("argoproj.io", "v1alpha1", "Application", "applications")
_ARGO_CD = "argocd"


async def examine(
    client: AsyncClient,
    service: str,
    baseline: str,
    canary: str,
    source: Source,
    *,
    namespace: str = NAMESPACE,
    seconds: float = LOOKS_FOR,
) -> list[Finding]:
    """Everything that must hold before the first percent moves; it watches the traffic for so many seconds.

    Raises NoRoute: without a route there is nothing to examine.
    """
    route = await Routing(client, service, namespace=namespace).look()
    seen = asyncio.create_task(seen_for(source, (baseline, canary), seconds))
    try:
        rule = await _unless_missing(client, DestinationRule, service, namespace)
        pods = {
            version: await pods_of(client, service, _labels(version, rule), namespace=namespace)
            for version in (baseline, canary)
        }
        holding = await Lease(client, service, namespace=namespace).look()
        reverted = reverts(route, await _application(client, route))
        clock = await ahead(client, namespace=namespace)
        facts = Facts(baseline, canary, route, rule, pods, holding, reverted, clock.total_seconds(), seen=await seen)
    finally:
        seen.cancel()
    return findings(facts)


def _labels(version: str, rule: Mapping[str, Any] | None) -> Mapping[str, str]:
    """What the version's subset selects; where there is no such subset, what the shop labels a version with."""
    subsets = ((rule or {}).get("spec") or {}).get("subsets") or ()
    return next((one.get("labels") or {} for one in subsets if one["name"] == version), {"version": version})


async def _application(client: AsyncClient, route: Route) -> Mapping[str, Any] | None:
    """The Argo CD Application that manages the route, as far as we may read it."""
    name = application_of(route)
    return await _unless_missing(client, Application, name, _ARGO_CD) if name else None


async def _unless_missing(client: AsyncClient, kind: Any, name: str, namespace: str) -> Mapping[str, Any] | None:
    """The object; None when it is not there, its kind is unknown, or we may not read it."""
    try:
        found: Mapping[str, Any] = await client.get(kind, name, namespace=namespace)
    except ApiError as error:
        if error.status.code in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}:
            return None
        raise
    return found
