"""Would applying manifests set back what a canary has set? Asked by `argosy deploy` and `argosy up` before they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lightkube import AsyncClient
from lightkube.resources.coordination_v1 import Lease as LeaseObject

from mesh.canary.act.lease import LABEL, Holding, Lease
from mesh.canary.act.problems import NoRoute
from mesh.canary.act.route import Route, spelled
from mesh.canary.act.routing import FIELD_MANAGER
from mesh.canary.problems import Refused
from mesh.chosen_cluster import NAMESPACE
from mesh.istio_kinds import VirtualService


class WouldOverwrite(Refused):
    """Weights that a canary has set are others in the manifests; nothing was applied."""


async def refuse_to_overwrite(
    client: AsyncClient, manifests: Iterable[Mapping[str, Any]], *, namespace: str = NAMESPACE
) -> None:
    """Make sure that no canary's weights are lost by applying these. Raises WouldOverwrite, naming its holder."""
    wanted = {one["metadata"]["name"]: one for one in manifests if one["kind"] == "VirtualService"}
    locked = {_service(lease) async for lease in client.list(LeaseObject, namespace=namespace, labels={LABEL: None})}
    reasons = []
    async for found in client.list(VirtualService, namespace=namespace):
        name = found["metadata"]["name"]
        live = _route(name, found)
        if name in wanted and live:
            holding = await Lease(client, name, namespace=namespace).look() if name in locked else None
            reasons += [why] if (why := reason(live, _route(name, wanted[name]), holding)) else []
    if reasons:
        raise WouldOverwrite("\n".join([*reasons, "Nothing was applied."]))


def reason(live: Route, wanted: Route | None, holding: Holding | None) -> str | None:
    """Why the route may not be applied to one that a canary has written; None: it may."""
    service = live.service
    if holding and not holding.free:
        return (
            f"{holding.holder} runs a canary of {service}, at {spelled(live.weights)}: wait for its end,"
            f" or end it with `argosy canary rollback {service}`"
        )
    if not _by_a_canary(live) or wanted is None or _traffic(wanted) == _traffic(live):
        return None
    return (
        f"a canary has left {service} at {spelled(live.weights)}, and the manifests say {spelled(wanted.weights)}:"
        f" write its weights into the manifests, or take them back with `argosy canary rollback {service}`"
    )


def _service(lease: LeaseObject) -> str:
    return str(((lease.metadata and lease.metadata.labels) or {})[LABEL])


def _by_a_canary(live: Route) -> bool:
    """Whether it is a canary that has written the rules last: whoever writes them after it takes them over."""
    return any(manager.name == FIELD_MANAGER for manager in live.managers)


def _traffic(route: Route) -> dict[str, int]:
    return {version: weight for version, weight in route.weights.items() if weight}


def _route(service: str, document: Mapping[str, Any]) -> Route | None:
    """The route of a VirtualService; None when it is not one that a canary moves, an entrance for example."""
    metadata = {"resourceVersion": "", **document["metadata"]}
    try:
        return Route.of(service, {**document, "metadata": metadata})
    except NoRoute:
        return None
