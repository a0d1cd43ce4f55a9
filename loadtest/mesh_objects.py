"""What do the mesh's objects say, and how is that changed for a while?

Through the Kubernetes API, by JSON patches that test what they replace: what somebody else changed meanwhile is not
overwritten. Whoever changed them compares them afterwards with what they were.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from lightkube import AsyncClient
from lightkube.types import PatchType

from mesh.istio_kinds import DestinationRule, VirtualService

KINDS: Mapping[str, Any] = {"VirtualService": VirtualService, "DestinationRule": DestinationRule}
NO_RETRIES: Mapping[str, Any] = {"attempts": 0}  # to leave the field out can mean two, Istio's default
ISTIOS_RETRIES: Mapping[str, Any] = {
    "attempts": 2,
    "retryOn": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
}
"""What Istio does where nobody wrote anything; mesh/local/mesh.yaml has switched it off."""
GUARDS = {"retryBudget", "outlierDetection"}


class Name(NamedTuple):
    """One object of the mesh."""

    kind: str
    name: str


Specs = Mapping[Name, Mapping[str, Any]]


class NotAsBefore(Exception):
    """An object is not what it was before somebody changed it for a while; the message names it."""


async def specs_of(client: AsyncClient) -> Specs:
    """The VirtualServices and DestinationRules of the client's namespace."""
    return {
        Name(kind, str(found.metadata and found.metadata.name)): found["spec"]
        for kind, resource in KINDS.items()
        async for found in client.list(resource)
    }


async def replace(client: AsyncClient, wanted: Specs) -> None:
    """Give every object the spec that is wanted. Raises lightkube.ApiError."""
    found = await specs_of(client)
    for name, spec in wanted.items():
        if found.get(name) != spec:
            patch = [
                {"op": "test", "path": "/spec", "value": found[name]},
                {"op": "replace", "path": "/spec", "value": spec},
            ]
            await client.patch(KINDS[name.kind], name.name, patch, patch_type=PatchType.JSON)


def check_unchanged(before: Specs, after: Specs) -> None:
    """Raises NotAsBefore with the names of the objects that differ."""
    differing = sorted({f"{name.kind} {name.name}" for name, spec in before.items() if after.get(name) != spec})
    differing += sorted(f"{name.kind} {name.name} (new)" for name in after.keys() - before.keys())
    if differing:
        raise NotAsBefore(f"not as before: {', '.join(differing)}; `argosy up` applies them anew")


def stripped(spec: Mapping[str, Any], *, retries: Mapping[str, Any] = NO_RETRIES) -> dict[str, Any]:
    """The spec of a VirtualService or DestinationRule without what protects; everything else as it was.

    Every route that says how it retries gets `retries` instead.
    """
    bare = dict(spec)
    if "http" in spec:
        bare["http"] = [route | {"retries": retries} if "retries" in route else route for route in spec["http"]]
    if "subsets" in spec:
        bare["subsets"] = [_unguarded(subset) for subset in spec["subsets"]]
    return _unguarded(bare)


def stripped_before(spec: Mapping[str, Any], services: Collection[str]) -> Mapping[str, Any]:
    """`stripped`, but only what stands in front of these services; in front of all of them, where none is named."""
    bare = stripped(spec)
    if not services:
        return bare
    if "http" in spec:
        pairs = zip(spec["http"], bare["http"], strict=True)
        return bare | {"http": [taken if _leads_to(route) & {*services} else route for route, taken in pairs]}
    return bare if spec.get("host") in services else spec


def restored(spec: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of an object that was `stripped`, with what protected it `before`; everything else as it is now."""
    whole = _guarded(spec, before)
    if "http" in spec:
        retries = {route.get("name"): route["retries"] for route in before["http"] if "retries" in route}
        whole["http"] = [
            route | {"retries": retries[route["name"]]}
            if route.get("name") in retries and route.get("retries") == NO_RETRIES
            else route
            for route in spec["http"]
        ]
    if "subsets" in spec:
        subsets = {subset["name"]: subset for subset in before["subsets"]}
        whole["subsets"] = [_guarded(subset, subsets.get(subset["name"], {})) for subset in spec["subsets"]]
    return whole


def _leads_to(route: Mapping[str, Any]) -> set[str]:
    """The services that a route, or what it delegates to, sends calls to."""
    ends = {str(each["destination"]["host"]) for each in route.get("route", ())}
    return ends | ({str(route["delegate"]["name"])} if "delegate" in route else set())


def _guarded(destination: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    guards = {name: value for name, value in before.get("trafficPolicy", {}).items() if name in GUARDS}
    policy = guards | destination.get("trafficPolicy", {})
    return dict(destination) | ({"trafficPolicy": policy} if policy else {})


def _unguarded(destination: Mapping[str, Any]) -> dict[str, Any]:
    bare = dict(destination)
    policy = {name: value for name, value in bare.pop("trafficPolicy", {}).items() if name not in GUARDS}
    return bare | {"trafficPolicy": policy} if policy else bare  # Istio refuses an empty one
