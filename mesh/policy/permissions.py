"""Who may do what? Istio's AuthorizationPolicies, caller by method; and which port speaks without mutual TLS.

A program is known by its certificate. People come through the gateway or a page, and where a method says so they show a
token, which Istio has verified by then (k8s/components/istio/namespace): docs/decisions/0032.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mesh.policy.graph import Graph, Rpc
from mesh.policy.istio import FOLDER, GATEWAY_PORT, Object, described
from mesh.policy.schema import GATEWAY, Method
from mesh.policy.yaml_text import text

PRINCIPAL = "cluster.local/ns/shop/sa/"
SIGNED_IN = "argosy/*"
"""Whoever has a token: issuer and subject."""


def manifests(graph: Graph, header: str) -> Mapping[str, str]:
    """Path and text of the policies of every service, and of the one that asks for tokens at the gateway."""
    made = {
        f"{FOLDER}/{service}/authorization-policy.yaml": text(header, authorization_policy(graph, service))
        for service in graph.services
    }
    made |= {
        f"{FOLDER}/{service}/peer-authentication.yaml": text(
            f"{header}\nWhat is published is read without a certificate, too.",
            _peer_authentication(service, content.published.port),
        )
        for service, content in graph.services.items()
        if content.published
    }
    made[f"{FOLDER}/{GATEWAY}/authorization-policy-tokens.yaml"] = text(
        f"{header}\nNobody without a token gets as far as a service that asks for one; whose it must be is said there.",
        gateway_policy(graph),
    )
    return made


def authorization_policy(graph: Graph, service: str) -> Object:
    """Who may call what, caller by method; k8s/components/istio/namespace refuses everything else."""
    content = graph.services[service]
    rules = [
        rule
        for caller, rpcs in graph.callers(service).items()
        for rule in _rules(caller, rpcs, people=caller in graph.people)
    ]
    if content.pages:
        to = {"operation": {"ports": [str(content.pages.port)]}}
        rules.append({"from": [{"source": {"principals": [PRINCIPAL + GATEWAY]}}], "to": [to]})
    if content.published:
        port, paths = str(content.published.port), list(content.published.paths)
        rules.append({"to": [{"operation": {"ports": [port], "methods": ["GET"], "paths": paths}}]})
    return _policy(service, {"app": service}, "ALLOW", rules)


def gateway_policy(graph: Graph) -> Object:
    """What the gateway refuses to people without a token."""
    paths = [rpc.path for service in graph.services for rpc in graph.public(service) if rpc.method.signed_in]
    rule = {
        "from": [{"source": {"notRequestPrincipals": [SIGNED_IN]}}],
        "to": [{"operation": {"ports": [str(GATEWAY_PORT)], "paths": paths}}],
    }
    return _policy(f"{GATEWAY}-tokens", {"istio": GATEWAY}, "DENY", [rule] if paths else [])


def _rules(caller: str, rpcs: Sequence[Rpc], *, people: bool) -> Iterator[Object]:
    """What the caller may call: as it is, with any token, with a role in it."""
    groups: dict[tuple[bool, str | None], list[str]] = {}
    for rpc in rpcs:
        groups.setdefault(_asked(rpc.method) if people else (False, None), []).append(rpc.path)
    for (token, role), paths in groups.items():
        source = {"principals": [PRINCIPAL + caller], **({"requestPrincipals": [SIGNED_IN]} if token else {})}
        rule: Object = {"from": [{"source": source}], "to": [{"operation": {"paths": paths}}]}
        yield rule | ({"when": [{"key": "request.auth.claims[role]", "values": [role]}]} if role else {})


def _asked(method: Method) -> tuple[bool, str | None]:
    return method.signed_in, method.role


def _policy(name: str, selected: Mapping[str, str], action: str, rules: list[Object]) -> Object:
    spec = {"selector": {"matchLabels": dict(selected)}, "action": action, "rules": rules}
    return described("security.istio.io/v1", "AuthorizationPolicy", name, spec)


def _peer_authentication(service: str, port: int) -> Object:
    spec = {
        "selector": {"matchLabels": {"app": service}},
        "mtls": {"mode": "STRICT"},
        "portLevelMtls": {str(port): {"mode": "PERMISSIVE"}},
    }
    return described("security.istio.io/v1", "PeerAuthentication", service, spec)
