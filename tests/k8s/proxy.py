"""A real Envoy with the settings istiod would give it: two of our objects in, its configuration out.

Checked against what istiod made of the same objects (route and cluster in a sidecar's config_dump).
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import grpc
from grpc import aio

from tests.k8s.manifests import Object, seconds

_TYPE = "type.googleapis.com/envoy.extensions."
_HTTP_OPTIONS = "upstreams.http.v3.HttpProtocolOptions"


@asynccontextmanager
async def proxy(
    envoy: Path, folder: Path, retries: Object, policy: Object, endpoints: Path
) -> AsyncIterator[aio.Channel]:
    """A channel through Envoy to the servers in `endpoints`, under a route's `retries` and a destination's `policy`."""
    port = _free_port()
    listener = {
        "name": "outbound",
        "address": _address(port),
        "enable_reuse_port": False,
        "filter_chains": [{"filters": [{"name": "http", "typed_config": _http_filter(retries)}]}],
    }
    config = folder / f"envoy-{port}.json"
    resources = {"listeners": [listener], "clusters": [_cluster(policy, endpoints)]}
    node = {"id": "sidecar", "cluster": "shop"}
    config.write_text(json.dumps({"node": node, "static_resources": resources}))
    process = await asyncio.create_subprocess_exec(
        envoy, "-c", config, "--concurrency", "1", "--log-level", "error", "--disable-hot-restart"
    )
    try:
        async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await asyncio.wait_for(channel.channel_ready(), 20)
            yield channel
    finally:
        process.terminate()
        await process.wait()


def place(endpoints: Path, *zones: Sequence[int]) -> None:
    """Write which ports there are, the caller's own zone first; an Envoy that reads the file follows."""
    assignment = {
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": "destination",
        "endpoints": [
            {"priority": priority, "lb_endpoints": [{"endpoint": {"address": _address(port)}} for port in ports]}
            for priority, ports in enumerate(zones)
        ],
    }
    draft = endpoints.with_suffix(".draft")
    draft.write_text(json.dumps({"resources": [assignment]}))
    draft.replace(endpoints)  # Envoy looks when a file is moved there


def _http_filter(retries: Object) -> dict[str, Any]:
    route = {
        "cluster": "destination",
        "timeout": "0s",  # the caller's grpc-timeout decides
        "max_grpc_timeout": "0s",
        "retry_policy": {
            "retry_on": retries["retryOn"],
            "num_retries": retries["attempts"],
            **({"per_try_timeout": _duration(retries["perTryTimeout"])} if "perTryTimeout" in retries else {}),
            "host_selection_retry_max_attempts": 5,
            "retry_host_predicate": [_typed("retry.host.previous_hosts.v3.PreviousHostsPredicate")],
        },
    }
    hosts = [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": route}]}]
    return {
        "@type": _TYPE + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "outbound",
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [_typed("filters.http.router.v3.Router")],
    }


def _cluster(policy: Object, endpoints: Path) -> dict[str, Any]:
    budget = policy["retryBudget"]
    return {
        "name": "destination",
        "type": "EDS",
        "eds_cluster_config": {"eds_config": {"path_config_source": {"path": str(endpoints)}}},
        **_balancer(policy["loadBalancer"]),
        "connect_timeout": _duration(policy["connectionPool"]["tcp"]["connectTimeout"]),
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "typed_extension_protocol_options": {
            f"envoy.extensions.{_HTTP_OPTIONS}": {
                "@type": _TYPE + _HTTP_OPTIONS,
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_requests": policy["connectionPool"]["http"]["http2MaxRequests"],
                    "retry_budget": {
                        "budget_percent": {"value": budget["percent"]},
                        "min_retry_concurrency": budget["minRetryConcurrency"],
                    },
                }
            ]
        },
        "outlier_detection": _outlier_detection(policy["outlierDetection"]),
    }


def _balancer(ours: Object) -> dict[str, Any]:
    if "warmup" not in ours:
        return {"lb_policy": ours["simple"]}
    slow_start = {
        "slow_start_window": _duration(ours["warmup"]["duration"]),
        "aggression": {"default_value": ours["warmup"]["aggression"], "runtime_key": "aggression"},
        "min_weight_percent": {"value": ours["warmup"]["minimumPercent"]},
    }
    return {"lb_policy": ours["simple"], "least_request_lb_config": {"slow_start_config": slow_start}}


def _outlier_detection(ours: Object) -> dict[str, Any]:
    split = ours.get("splitExternalLocalOriginErrors", False)
    return {
        "consecutive_5xx": ours["consecutive5xxErrors"],
        "enforcing_consecutive_5xx": _enforced(ours["consecutive5xxErrors"]),
        "consecutive_gateway_failure": ours["consecutiveGatewayErrors"],
        "enforcing_consecutive_gateway_failure": _enforced(ours["consecutiveGatewayErrors"]),
        "enforcing_success_rate": 0,
        "interval": _duration(ours["interval"]),
        "base_ejection_time": _duration(ours["baseEjectionTime"]),
        "max_ejection_percent": ours["maxEjectionPercent"],
        "split_external_local_origin_errors": split,
        "consecutive_local_origin_failure": ours.get("consecutiveLocalOriginFailures", 5),
        "enforcing_consecutive_local_origin_failure": 100 if split else 0,
        "enforcing_local_origin_success_rate": 0,
    }


def _enforced(count: int) -> int:
    return 100 if count else 0


def _duration(ours: str) -> str:
    return f"{seconds(ours)}s"


def _typed(name: str) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": _TYPE + name}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Host(grpc.GenericRpcHandler):
    """A server that answers every call with the seconds it was given for it, or refuses, and counts."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.calls = 0
        self.port = 0
        self._server = aio.server()

    async def __aenter__(self) -> Self:
        self._server.add_generic_rpc_handlers((self,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    async def die(self) -> None:
        await self._server.stop(grace=None)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        del handler_call_details
        return grpc.unary_unary_rpc_method_handler(self._handle)

    async def _handle(self, _request: bytes, context: aio.ServicerContext[bytes, bytes]) -> bytes:
        self.calls += 1
        if self.answer == "refuses":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "scripted")
        return str(context.time_remaining()).encode()


class FrozenHost:
    """A process that was stopped: the kernel accepts its connections, and nobody reads them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()
