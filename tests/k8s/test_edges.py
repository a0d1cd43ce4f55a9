"""Who may call whom is exactly who does: AuthorizationPolicy against the callers' own policies and the contracts."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from tests.k8s.callers import ADMINISTRATION, CONTRACTS, METHODS, Edge, edges_needed
from tests.k8s.manifests import Manifests, Object

PRINCIPAL = "cluster.local/ns/shop/sa/"


def edges_allowed(policies: list[Object]) -> set[Edge]:
    """What the policies of the services allow. Fails on a rule that is wider than callers by methods."""
    return {edge for policy in policies if policy["metadata"]["name"] in CONTRACTS for edge in _edges_of(policy)}


def _edges_of(policy: Object) -> Iterator[Edge]:
    assert policy["spec"]["action"] == "ALLOW"
    assert policy["spec"]["selector"] == {"matchLabels": {"app": policy["metadata"]["name"]}}
    for rule in policy["spec"]["rules"]:
        assert set(rule) == {"from", "to"}, rule
        for source in rule["from"]:
            assert set(source["source"]) == {"principals"}, source
            for operation in rule["to"]:
                assert set(operation["operation"]) == {"paths"}, operation
                for principal in source["source"]["principals"]:
                    for path in operation["operation"]["paths"]:
                        yield principal.removeprefix(PRINCIPAL), policy["metadata"]["name"], path


def test_every_call_the_services_make_is_allowed_and_no_other(shop: Manifests) -> None:
    assert edges_allowed(shop.of("AuthorizationPolicy")) == edges_needed()


def test_every_allowed_method_stands_in_the_callees_contract(shop: Manifests) -> None:
    for service in CONTRACTS:
        allowed = edges_allowed([shop.named("AuthorizationPolicy", service)])
        assert {METHODS[path][0] for _, _, path in allowed if not path.startswith(ADMINISTRATION)} == {service}


def test_every_caller_is_the_identity_of_some_pod(shop: Manifests) -> None:
    callers = {caller for caller, _, _ in edges_allowed(shop.of("AuthorizationPolicy"))}
    assert callers <= {pod["spec"]["serviceAccountName"] for _, pod in shop.pods()}


def test_one_edge_too_few_or_too_many_is_found(shop: Manifests) -> None:
    policies = copy.deepcopy(shop.of("AuthorizationPolicy"))
    payments = next(one for one in policies if one["metadata"]["name"] == "payments")
    pages = "/shop.payments.v1.PaymentsService/ListPayments"
    (orders,) = [rule for rule in payments["spec"]["rules"] if "sa/orders" in str(rule["from"])]
    paths = orders["to"][0]["operation"]["paths"]
    charge = paths.pop(0)
    assert edges_needed() - edges_allowed(policies) == {("orders", "payments", charge)}
    paths += [charge, pages]
    assert edges_allowed(policies) - edges_needed() == {("orders", "payments", pages)}


def test_a_rule_for_everybody_is_found(shop: Manifests) -> None:
    policy = copy.deepcopy(shop.named("AuthorizationPolicy", "payments"))
    del policy["spec"]["rules"][0]["from"]
    with pytest.raises(AssertionError):
        edges_allowed([policy])


def test_a_pod_knows_the_addresses_of_exactly_those_it_may_call(shop: Manifests) -> None:
    allowed = edges_allowed(shop.of("AuthorizationPolicy"))
    for _, pod in shop.pods():
        variables = {one["name"]: one.get("value") for one in pod["spec"]["containers"][0].get("env", [])}
        known = {value for name, value in variables.items() if name.endswith("_SERVICE_ADDR")}
        caller = pod["spec"]["serviceAccountName"]
        callees = {callee for account, callee, _ in allowed if account == caller != "gateway"}
        assert known == {f"{callee}:50051" for callee in callees}, caller


def test_what_no_policy_allows_is_denied(shop: Manifests) -> None:
    assert shop.named("AuthorizationPolicy", "deny-by-default")["spec"] == {}
    assert shop.named("PeerAuthentication", "default")["spec"] == {"mtls": {"mode": "STRICT"}}


def test_only_the_gateway_hears_strangers_and_only_at_its_port(shop: Manifests) -> None:
    names = shop.names("AuthorizationPolicy") - set(CONTRACTS) - {"deny-by-default"}
    assert names == {"gateway"}
    spec = shop.named("AuthorizationPolicy", "gateway")["spec"]
    assert spec["selector"] == {"matchLabels": {"istio": "gateway"}}
    assert spec["rules"] == [{"to": [{"operation": {"ports": ["8080"], "methods": ["POST"]}}]}]
    assert shop.named("Gateway", "gateway")["spec"]["servers"][0]["port"]["number"] == 8080


def test_everybody_has_an_identity_of_his_own(shop: Manifests) -> None:
    for name, pod in shop.pods():
        assert pod["spec"]["serviceAccountName"] == pod["metadata"]["labels"]["app"], name
        assert shop.named("ServiceAccount", pod["spec"]["serviceAccountName"])["automountServiceAccountToken"] is False
