"""How does a server fail so that every layer in front of it sees it fail?

Istio's own fault injection answers in the *caller's* sidecar, before its retries, outlier detection and load
balancing: it exercises the application and nothing else (https://github.com/istio/istio/issues/13705). So Envoy's
fault filter goes into the *server's* sidecar, on its inbound listener, where a real failure would come from.
https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/fault_filter
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from grpc import StatusCode
from lightkube import ApiError, AsyncClient
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta

from mesh.running_shop import PROPAGATION

EnvoyFilter = create_namespaced_resource("networking.istio.io", "v1alpha3", "EnvoyFilter", "envoyfilters")
NOT_FOUND = 404
_HTTP = "envoy.filters.network.http_connection_manager"
_ROUTER = "envoy.filters.http.router"
_FAULT = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"


@asynccontextmanager
async def failing(client: AsyncClient, app: str, methods: Sequence[str], *, percent: int) -> AsyncIterator[None]:
    """Let `percent` of the calls of these methods ("/package.Service/Method") end in UNAVAILABLE at the pods of `app`.

    It is in force when the block begins and gone when it has ended; what a killed run has left is replaced.
    """
    name = f"failing-{app}"
    await _delete(client, name)
    wanted = EnvoyFilter(metadata=ObjectMeta(name=name), spec=envoy_filter(app, methods, percent))
    await client.create(wanted)
    try:
        await asyncio.sleep(PROPAGATION)
        yield
    finally:
        await _delete(client, name)


async def _delete(client: AsyncClient, name: str) -> None:
    try:
        await client.delete(EnvoyFilter, name)
    except ApiError as error:
        if error.status.code != NOT_FOUND:
            raise


def envoy_filter(app: str, methods: Sequence[str], percent: int) -> dict[str, Any]:
    """The object's spec; the filter stands last but the router, so that what authorization refuses does not count."""
    fault = {
        "@type": _FAULT,
        "abort": {
            "grpc_status": StatusCode.UNAVAILABLE.value[0],
            "percentage": {"numerator": percent, "denominator": "HUNDRED"},
        },
        "headers": [{"name": ":path", "string_match": {"safe_regex": {"regex": "|".join(methods)}}}],
    }
    listener = {"filterChain": {"filter": {"name": _HTTP, "subFilter": {"name": _ROUTER}}}}
    patch = {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "SIDECAR_INBOUND", "listener": listener},
        "patch": {
            "operation": "INSERT_BEFORE",
            "value": {"name": "envoy.filters.http.fault", "typed_config": fault},
        },
    }
    return {"workloadSelector": {"labels": {"app": app}}, "configPatches": [patch]}
