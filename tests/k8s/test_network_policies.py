"""Whose packets pass is exactly who may call: NetworkPolicy against AuthorizationPolicy against the policies' graph."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mesh.policy.istio import PORT
from mesh.policy.network import Edge, edges
from tests.k8s.callers import CONTRACTS
from tests.k8s.manifests import K8S, Manifests, Object, build
from tests.k8s.test_edges import edges_allowed
from tests.policy.policies import committed

ISTIOD = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "istio-system"}},
    "podSelector": {"matchLabels": {"app": "istiod"}},
}

OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop
resources: [{k8s}/base]
components: [{k8s}/components/istio, {k8s}/components/network-policies]
"""
OF_THE_NAMESPACE = {"deny-by-default", "mesh", "metrics", "database", "postgresql"}
BEYOND_THE_MESH = {"canary-watchdog"}


@pytest.fixture(scope="module")
def fenced(kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    """The shop behind its NetworkPolicies, and nothing else."""
    folder = tmp_path_factory.mktemp("fenced").resolve()
    (folder / "kustomization.yaml").write_text(OVERLAY.format(k8s=os.path.relpath(K8S, folder)))
    return build(kubectl, folder)


@pytest.fixture
def policies(fenced: Manifests) -> list[Object]:
    """The NetworkPolicies of the apps, to be spoilt."""
    return of_apps(copy.deepcopy(fenced))


def of_apps(shop: Manifests) -> list[Object]:
    others = OF_THE_NAMESPACE | BEYOND_THE_MESH
    return [one for one in shop.of("NetworkPolicy") if one["metadata"]["name"] not in others]


def edges_of(policies: list[Object], way: str, peers: str) -> Iterator[Edge]:
    """Who may call whom by the rules of one direction. Fails on a rule that is wider than apps at a port."""
    for policy in policies:
        app = policy["metadata"]["name"]
        assert policy["spec"]["podSelector"] == {"matchLabels": {"app": app}}
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        for rule in policy["spec"].get(way, []):
            if (app, way) == ("gateway", "ingress"):
                assert set(rule) == {"ports"}  # anybody, at one port
                continue
            port, *others = rule["ports"]
            assert (port["protocol"], others) == ("TCP", [])
            for peer in rule[peers]:
                if (app, port["port"], peer) == ("users", 8080, ISTIOD):
                    continue  # it reads the public keys
                assert set(peer) == {"podSelector"}
                assert set(peer["podSelector"]["matchLabels"]) == {"app"}
                other = peer["podSelector"]["matchLabels"]["app"]
                yield (*((other, app) if way == "ingress" else (app, other)), port["port"])


def heard(policies: list[Object]) -> set[Edge]:
    return set(edges_of(policies, "ingress", "from"))


def called(policies: list[Object]) -> set[Edge]:
    return set(edges_of(policies, "egress", "to"))


def of_the_graph() -> set[Edge]:
    return set(edges(committed()))


def test_packets_pass_between_exactly_those_who_may_call(on_nodes: Manifests) -> None:
    policies = of_apps(on_nodes)
    authorized = {(caller, callee, PORT) for caller, callee, _ in edges_allowed(on_nodes.of("AuthorizationPolicy"))}
    authorized |= {("gateway", "storefront", 8000), ("gateway", "users", 8080)}
    assert heard(policies) == called(policies) == authorized == of_the_graph()


@pytest.mark.parametrize(("way", "peers", "seen"), [("ingress", "from", heard), ("egress", "to", called)])
def test_an_edge_more_or_fewer_is_found(
    policies: list[Object], way: str, peers: str, seen: Callable[[list[Object]], set[Edge]]
) -> None:
    orders = next(one for one in policies if one["metadata"]["name"] == "orders")
    rule = orders["spec"][way][0][peers]
    lost = rule.pop(0)
    assert len(of_the_graph() - seen(policies)) == 1
    rule += [lost, {"podSelector": {"matchLabels": {"app": "stranger"}}}]
    assert len(seen(policies) - of_the_graph()) == 1


@pytest.mark.parametrize(
    "widen",
    [
        lambda rule: rule["from"].append({"namespaceSelector": {}}),
        lambda rule: rule["from"][0].update(podSelector={}),
        lambda rule: rule.pop("from"),
        lambda rule: rule.pop("ports"),
        lambda rule: rule["ports"].append({"port": 9464, "protocol": "TCP"}),
    ],
)
def test_a_rule_for_more_than_apps_at_one_port_is_found(
    policies: list[Object], widen: Callable[[Object], object]
) -> None:
    payments = next(one for one in policies if one["metadata"]["name"] == "payments")
    widen(payments["spec"]["ingress"][0])
    with pytest.raises((AssertionError, KeyError)):
        heard(policies)


def test_every_pod_is_known_and_the_rest_is_denied(fenced: Manifests) -> None:
    apps = {pod["metadata"]["labels"]["app"] for _, pod in fenced.pods()}
    assert apps == fenced.names("NetworkPolicy") - OF_THE_NAMESPACE
    spec = fenced.named("NetworkPolicy", "deny-by-default")["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_a_pod_is_heard_where_its_container_listens(on_nodes: Manifests) -> None:
    for deployment in on_nodes.of("Deployment"):
        app = deployment["metadata"]["labels"]["app"]
        if app in BEYOND_THE_MESH:
            continue  # test_canary_watchdog.py
        rules = on_nodes.named("NetworkPolicy", app)["spec"]["ingress"]
        ports = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
        listening = {each["containerPort"] for each in ports if not each["name"].endswith("-metrics")}
        assert {each["port"] for rule in rules for each in rule["ports"]} == listening, app


def test_every_pod_finds_names_and_istiod_and_nobody_else_outside(fenced: Manifests) -> None:
    (names, istiod) = fenced.named("NetworkPolicy", "mesh")["spec"]["egress"]
    assert [(port["protocol"], port["port"]) for port in names["ports"]] == [("UDP", 53), ("TCP", 53)]
    assert istiod["ports"] == [{"port": 15012, "protocol": "TCP"}]
    outside = [peer for rule in (names, istiod) for peer in rule["to"]]
    assert [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in outside] == [
        "kube-system",
        "istio-system",
    ]


def test_metrics_are_read_from_labelled_namespaces_where_sidecars_answer_without_mtls(fenced: Manifests) -> None:
    (rule,) = fenced.named("NetworkPolicy", "metrics")["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"argosy/monitoring": "true"}}}]
    assert {port["port"] for port in rule["ports"]} == {15020, 15090}


def test_the_database_is_for_services_and_their_migrations(kind: Manifests) -> None:
    away, server = (kind.named("NetworkPolicy", name)["spec"] for name in ("database", "postgresql"))
    expression, without_books = away["podSelector"]["matchExpressions"]
    assert (expression["operator"], expression["values"]) == ("In", ["service", "migration"])
    assert (without_books["operator"], without_books["values"]) == ("NotIn", ["none"])
    assert server["ingress"][0]["from"] == [{"podSelector": away["podSelector"]}]
    assert away["egress"][0]["to"] == [{"podSelector": server["podSelector"]}]
    assert away["egress"][0]["ports"] == server["ingress"][0]["ports"] == [{"port": 5432, "protocol": "TCP"}]
    labels = [pod["metadata"]["labels"] for _, pod in kind.pods()]
    users = {
        one["app"]
        for one in labels
        if one.get("app.kubernetes.io/component") in expression["values"] and one.get(without_books["key"]) != "none"
    }
    assert users == {*CONTRACTS, *(f"{service}-migration" for service in CONTRACTS)}
    assert "postgresql" in {one["app"] for one in labels}
