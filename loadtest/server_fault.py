"""How does a server fail so that every layer in front of it sees it fail?

Istio's own fault injection answers in the *caller's* sidecar, before its retries, outlier detection and load
balancing: it exercises the application and nothing else (https://github.com/istio/istio/issues/13705). So Envoy's
fault filter goes into the *server's* sidecar, on its inbound listener, where a real failure would come from.
https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/fault_filter
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from grpc import StatusCode
from lightkube import AsyncClient
from lightkube.models.meta_v1 import ObjectMeta

from mesh.istio_kinds import EnvoyFilter
from mesh.local.absence import absence_is_fine
from mesh.running_shop import PROPAGATION

_HTTP = "envoy.filters.network.http_connection_manager"
_ROUTER = "envoy.filters.http.router"
_FILTER = "envoy.filters.http.fault"
_FAULT = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"


@asynccontextmanager
async def failing(
    client: AsyncClient, app: str, methods: Sequence[str], *, percent: float, version: str = ""
) -> AsyncIterator[None]:
    """Let `percent` of the calls of these methods ("/package.Service/Method") end in UNAVAILABLE at the pods of `app`.

    At those of one `version`, where it is named. It is in force when the block begins and gone when it has ended; what
    a killed run has left is replaced.
    """
    fault = {"abort": {"grpc_status": StatusCode.UNAVAILABLE.value[0], "percentage": percentage(percent)}}
    async with _in_force(client, "failing", envoy_filter(_labels(app, version), methods, fault)):
        yield


@asynccontextmanager
async def slowed(
    client: AsyncClient, app: str, methods: Sequence[str], *, seconds: float, percent: float, version: str = ""
) -> AsyncIterator[None]:
    """Let `percent` of the calls of these methods wait so long at the pods of `app`; otherwise as `failing`."""
    fault = {"delay": {"fixed_delay": f"{seconds}s", "percentage": percentage(percent)}}
    async with _in_force(client, "slowed", envoy_filter(_labels(app, version), methods, fault)):
        yield


@asynccontextmanager
async def _in_force(client: AsyncClient, how: str, spec: Mapping[str, Any]) -> AsyncIterator[None]:
    name = "-".join([how, *spec["workloadSelector"]["labels"].values()])
    await _delete(client, name)
    await client.create(EnvoyFilter(metadata=ObjectMeta(name=name), spec=spec))
    try:
        await asyncio.sleep(PROPAGATION)
        yield
    finally:
        await _delete(client, name)


async def _delete(client: AsyncClient, name: str) -> None:
    with absence_is_fine():
        await client.delete(EnvoyFilter, name)


def envoy_filter(
    labels: Mapping[str, str], methods: Sequence[str], fault: Mapping[str, Any], name: str = _FILTER
) -> dict[str, Any]:
    """The object's spec; the filter stands last but the router, so that what authorization refuses does not count.

    `methods` are regular expressions, and `name` what Envoy calls the filter when it is asked for its listeners.
    """
    paths = [{"name": ":path", "string_match": {"safe_regex": {"regex": "|".join(methods)}}}]
    listener = {"filterChain": {"filter": {"name": _HTTP, "subFilter": {"name": _ROUTER}}}}
    patch = {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "SIDECAR_INBOUND", "listener": listener},
        "patch": {
            "operation": "INSERT_BEFORE",
            "value": {"name": name, "typed_config": {"@type": _FAULT, **fault, "headers": paths}},
        },
    }
    return {"workloadSelector": {"labels": dict(labels)}, "configPatches": [patch]}


def _labels(app: str, version: str) -> dict[str, str]:
    return {"app": app} | ({"version": version} if version else {})


def percentage(percent: float) -> dict[str, Any]:
    """A share of calls as Envoy writes it."""
    return {"numerator": round(percent * 10_000), "denominator": "MILLION"}
