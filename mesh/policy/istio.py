"""Where do calls go? Istio's routes and destinations of every service, from the call graph.

outside ── gateway ──────┐ retries, perTryTimeout       VirtualService <service>
                         ├─ one entrance each,  ─────▶  route `primary`: which versions answer
inside ─── <service>-mesh┘ delegating to                DestinationRule <service>: subsets, ejection, budget, balance
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mesh.policy.graph import Graph, Rpc
from mesh.policy.lint import ejectable
from mesh.policy.schema import GATEWAY, Mesh
from mesh.policy.yaml_text import Because, text

FOLDER = "k8s/components/istio"
PORT, GATEWAY_PORT = 50051, 8080
EVERY = "every"
"""The subset of all pods, for those who want to reach each of them."""

Object = dict[str, Any]


def manifests(graph: Graph, header: str) -> Mapping[str, str]:
    """Path and text of every manifest that is generated; `header` is each one's first line."""
    made: dict[str, str] = {}
    for service in graph.services:
        folder = f"{FOLDER}/{service}"
        made |= {
            f"{folder}/virtual-service.yaml": text(
                f"{header}\nWhich versions answer. Every entrance ({_entrances(graph, service)}) delegates here,"
                " so a canary patches one object.",
                _virtual_service(service, http=[_primary(graph, service)]),
            ),
            f"{folder}/virtual-service-mesh.yaml": text(
                f"{header}\nHow the shop's own services call {service}. The mesh gives up a try before they do,"
                " so that a hung pod is\nejected: docs/decisions/0004.",
                _virtual_service(
                    f"{service}-mesh", hosts=[service], gateways=["mesh"], http=inner_routes(graph, service)
                ),
            ),
            f"{folder}/destination-rule.yaml": text(header, destination_rule(graph, service)),
        }
    # Pages come last: they take whatever is left.
    routes = [
        route
        for kind in (outer_routes, _published, _pages)
        for service in graph.services
        for route in kind(graph, service)
    ]
    made[f"{FOLDER}/{GATEWAY}/virtual-service.yaml"] = text(
        f"{header}\nWhat can be called from outside. Health and reflection cannot: they would tell strangers about"
        " single pods.",
        _virtual_service(GATEWAY, hosts=["*"], gateways=[GATEWAY], http=routes),
    )
    return made


def _virtual_service(name: str, **spec: Any) -> Object:
    return described("networking.istio.io/v1", "VirtualService", name, spec)


def described(version: str, kind: str, name: str, spec: Object) -> Object:
    """An object as Kubernetes has them."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _primary(graph: Graph, service: str) -> Object:
    pages = graph.services[service].pages
    destination = _destination(graph, service, pages.port if pages else PORT, "v1")
    return {"name": "primary", "route": [{"destination": destination, "weight": 100}]}


def _destination(graph: Graph, service: str, port: int, subset: str) -> Object:
    """Pods of the service; with the port where it has several, of which Istio would have to guess one."""
    several = graph.services[service].pages or graph.services[service].published
    return {"host": service, **({"port": {"number": port}} if several else {}), "subset": subset}


def _entrances(graph: Graph, service: str) -> str:
    outside = graph.public(service) or graph.services[service].pages
    return f"{service}-mesh, {GATEWAY}" if outside else f"{service}-mesh"


# --- entrances -------------------------------------------------------------------


def inner_routes(graph: Graph, service: str) -> list[Object]:
    """The entrance for calls from inside: methods with a try of their own length first, then all others."""
    mesh, own = graph.mesh(service), graph.own(service)
    usual = [rpc for rpc in own if graph.mesh_per_try(rpc) == mesh.per_try]
    special = _by_breaker(rpc for rpc in own if rpc not in usual)
    contracts = sorted({rpc.path.rpartition("/")[0] for rpc in graph.served(service) if graph.direct(rpc)})
    return [
        *(_direct(graph, service, contract) for contract in contracts),
        *(_route(name, _match(rpcs), mesh, graph.mesh_per_try(rpcs[0]), rpcs) for name, rpcs in special.items()),
        # The last one takes whatever is called: what may not be is the answer of the callee's own sidecar.
        *([_route("mesh", {}, mesh, mesh.per_try, usual)] if usual else []),
    ]


def outer_routes(graph: Graph, service: str) -> list[Object]:
    """The entrance for people: nothing but what they may call. Streams may last."""
    gateway, mesh = graph.services[service].gateway, graph.mesh(service)
    public = graph.public(service)
    if gateway is None or not public:
        return []
    streams = _by_breaker(rpc for rpc in public if rpc.contract.streams)
    unary = [rpc for rpc in public if not rpc.contract.streams]
    return [
        *(_route(name, _match(rpcs), mesh, None, rpcs) for name, rpcs in streams.items()),
        _route(service, _match(unary), mesh, gateway.per_try, unary, outside=True),
    ]


def _pages(graph: Graph, service: str) -> list[Object]:
    """The entrance for browsers, who send no gRPC. What lasts asks for server-sent events."""
    gateway, pages = graph.services[service].gateway, graph.services[service].pages
    if gateway is None or pages is None:
        return []
    again = {"attempts": graph.mesh(service).attempts, "retryOn": ",".join(graph.mesh(service).retry_on)}
    anything: Object = {"uri": {"prefix": "/"}}
    return [
        {
            "name": Because("live", "server-sent events last as long as the page is open"),
            "match": [{**anything, "headers": {"accept": {"exact": "text/event-stream"}}}],
            "retries": again,
            "delegate": {"name": service},
        },
        {
            "name": "pages",
            "match": [{**anything, "withoutHeaders": {"content-type": {"prefix": "application/grpc"}}}],
            "retries": {**again, "perTryTimeout": duration(gateway.per_try)},
            "delegate": {"name": service},
        },
    ]


def _published(graph: Graph, service: str) -> list[Object]:
    """The entrance for who reads what is published, any pod's."""
    published = graph.services[service].published
    if published is None:
        return []
    return [
        {
            "name": f"{service}-published",
            "match": [{"uri": {"exact": path}, "method": {"exact": "GET"}} for path in published.paths],
            "retries": {"attempts": 0},
            "route": [{"destination": _destination(graph, service, published.port, EVERY)}],
        }
    ]


def _by_breaker(rpcs: Iterable[Rpc]) -> Mapping[str, list[Rpc]]:
    found: dict[str, list[Rpc]] = {}
    for rpc in rpcs:
        found.setdefault(rpc.method.breaker, []).append(rpc)
    return found


def _match(rpcs: Sequence[Rpc]) -> Object:
    return {"match": [{"uri": {"exact": rpc.path}} for rpc in rpcs]}


def _route(
    name: str, match: Object, mesh: Mesh, per_try: float | None, rpcs: Sequence[Rpc], *, outside: bool = False
) -> Object:
    no_limit = "no perTryTimeout: Envoy passes it on as the server's deadline, which would end the stream"
    return {
        "name": name if per_try else Because(name, no_limit),
        **match,
        "retries": {
            "attempts": mesh.attempts,
            **({"perTryTimeout": _explained(per_try, rpcs, outside=outside)} if per_try else {}),
            "retryOn": ",".join(mesh.retry_on),
        },
        "delegate": {"name": rpcs[0].callee},
    }


def _explained(per_try: float, rpcs: Sequence[Rpc], *, outside: bool) -> str | Because:
    """The mesh's time for a try, beside the time it has to do with."""
    inside = [rpc.method.client().try_timeout for rpc in rpcs if set(rpc.method.callers) - {GATEWAY}]
    writes = [rpc for rpc in rpcs if not rpc.contract.reads and rpc.method.callers and rpc.method.deadline]
    if inside and not outside:
        return Because(duration(per_try), f"its callers give a try {min(inside):g} s")
    if writes:
        longest = max(writes, key=lambda rpc: rpc.method.deadline or 0.0)
        return Because(duration(per_try), f"longer than {longest.name}'s own {longest.method.deadline:g} s")
    return duration(per_try)


def _direct(graph: Graph, service: str, contract: str) -> Object:
    why = "about single pods: every pod of any version in turn, whatever a canary's weights are"
    return {
        "name": Because("admin", why),
        "match": [{"uri": {"prefix": f"{contract}/"}}],
        "retries": {"attempts": 0},
        "route": [{"destination": _destination(graph, service, PORT, EVERY)}],
    }


# --- destinations ----------------------------------------------------------------


def destination_rule(graph: Graph, service: str) -> Object:
    """How pods are connected to, how many retries they get, and when one of them is left out."""
    mesh = graph.mesh(service)
    budget = {"percent": _whole(mesh.retry_budget.percent), "minRetryConcurrency": mesh.retry_budget.least}
    policy = {
        "connectionPool": {
            "tcp": {"connectTimeout": duration(mesh.connect_timeout)},
            "http": {"http2MaxRequests": mesh.max_requests},
        },
        "retryBudget": budget,
        "outlierDetection": _outlier_detection(graph, service),
        "loadBalancer": _load_balancer(mesh),
    }
    why = "each states its own: Istio has lost the host's budget at subsets (istio#59667)"
    own = {**budget, "percent": Because(_whole(mesh.retry_budget.percent), why)}
    v1 = {"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": {"retryBudget": own}}
    every = {"name": EVERY, "trafficPolicy": {"retryBudget": own, "loadBalancer": _in_turn()}}
    spec = {"host": service, "trafficPolicy": policy, "subsets": [v1, every]}
    return described("networking.istio.io/v1", "DestinationRule", service, spec)


def _load_balancer(mesh: Mesh) -> Object:
    warm_up = mesh.warm_up
    return {
        "simple": "LEAST_REQUEST",
        # Written out because a mesh may say otherwise; what is ejected above makes room for pods of other zones.
        "localityLbSetting": {"enabled": mesh.nearest_first},
        "warmup": {
            "duration": duration(warm_up.duration),
            "minimumPercent": _whole(warm_up.minimum_percent),
            "aggression": _whole(warm_up.aggression),
        },
    }


def _in_turn() -> Object:
    why = "no pod is too far away or too new to be asked"
    return {"simple": "ROUND_ROBIN", "localityLbSetting": {"enabled": Because(value=False, why=why)}}


def _outlier_detection(graph: Graph, service: str) -> Object:
    outlier, (_, most) = graph.services[service].outlier, graph.services[service].replicas
    if outlier.judged_by == "connections":
        why = "its UNAVAILABLE may be that of a service behind it; readiness probes find the hung"
        judged: Object = {
            "splitExternalLocalOriginErrors": True,
            "consecutiveLocalOriginFailures": outlier.connections,
            "consecutive5xxErrors": Because(0, why),
            "consecutiveGatewayErrors": 0,
        }
    else:
        judged = {"consecutive5xxErrors": outlier.errors, "consecutiveGatewayErrors": outlier.gateway_errors}
    percent = outlier.max_ejection_percent
    share = ", ".join(f"{ejectable(percent, pods)} of {pods}" for pods in range(2, most + 1))
    return {
        **judged,
        "interval": duration(outlier.interval),
        "baseEjectionTime": Because(duration(outlier.base_ejection), "its readiness probe takes over by then"),
        "maxEjectionPercent": Because(percent, f"{share}; never the only one"),
    }


def duration(seconds: float) -> str:
    """As Istio writes it: "400ms", "10s"."""
    exact = Decimal(str(seconds))
    return f"{exact:f}s".replace(".0s", "s") if exact == exact.to_integral() else f"{(exact * 1000).normalize():f}ms"


def _whole(number: float) -> float | int:
    return int(number) if number == int(number) else number
