"""Who may call whom is exactly who does: AuthorizationPolicy against the callers' own policies and the contracts."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from services.hosting.customer import CUSTOMER_HEADER, ROLE_HEADER
from tests.k8s.callers import ADMIN, ADMINISTRATION, METHODS, PEOPLE, SERVICES, SHOWN, TOKEN, Edge, edges_needed
from tests.k8s.manifests import Manifests, Object

PRINCIPAL = "cluster.local/ns/shop/sa/"
PAGES: Object = {
    "from": [{"source": {"principals": [PRINCIPAL + "gateway"]}}],
    "to": [{"operation": {"ports": ["8000"]}}],
}
KEYS: Object = {"to": [{"operation": {"ports": ["8080"], "methods": ["GET"], "paths": ["/.well-known/jwks.json"]}}]}
DOORS = {"storefront": PAGES, "users": KEYS}
"""The rules that are about no method: pages are for the gateway, public keys for everybody."""
IS_ADMIN = [{"key": "request.auth.claims[role]", "values": ["admin"]}]


def edges_allowed(policies: list[Object]) -> set[Edge]:
    """What the policies of the services allow. Fails on a rule that is wider than callers by methods."""
    return {edge for policy in policies for edge, _ in _edges_of(policy)}


def shown(policies: list[Object]) -> dict[Edge, str]:
    """What a caller has to show from the people it calls for."""
    return {edge: needed for policy in policies for edge, needed in _edges_of(policy) if needed}


def _edges_of(policy: Object) -> Iterator[tuple[Edge, str]]:
    service = policy["metadata"]["name"]
    if service not in SERVICES:
        return
    assert policy["spec"]["action"] == "ALLOW"
    assert policy["spec"]["selector"] == {"matchLabels": {"app": service}}
    for rule in policy["spec"]["rules"]:
        if rule == DOORS.get(service):
            continue
        assert {"from", "to"} <= set(rule) <= {"from", "to", "when"}, rule
        (source,), (operation,) = rule["from"], rule["to"]
        assert set(operation["operation"]) == {"paths"}, operation
        for principal in source["source"]["principals"]:
            for path in operation["operation"]["paths"]:
                yield (principal.removeprefix(PRINCIPAL), service, path), _needed(rule)


def _needed(rule: Object) -> str:
    """What a rule wants to see besides the caller's certificate. Fails on anything we have not thought of."""
    source = rule["from"][0]["source"]
    if set(source) == {"principals"}:
        assert "when" not in rule, rule
        return ""
    assert source == {"principals": source["principals"], "requestPrincipals": ["argosy/*"]}, rule
    assert rule.get("when", IS_ADMIN) == IS_ADMIN
    return ADMIN if "when" in rule else TOKEN


def test_every_call_the_services_make_is_allowed_and_no_other(shop: Manifests) -> None:
    assert edges_allowed(shop.of("AuthorizationPolicy")) == edges_needed()


def test_every_allowed_method_stands_in_the_callees_contract(shop: Manifests) -> None:
    for service in SERVICES:
        allowed = edges_allowed([shop.named("AuthorizationPolicy", service)])
        assert {METHODS[path][0] for _, _, path in allowed if not path.startswith(ADMINISTRATION)} <= {service}


def test_people_show_who_they_are_where_it_matters_and_programs_nowhere(shop: Manifests) -> None:
    expected = {edge: SHOWN[edge[2]] for edge in edges_needed() if edge[0] in PEOPLE and edge[2] in SHOWN}
    assert shown(shop.of("AuthorizationPolicy")) == expected
    assert set(expected.values()) == {TOKEN, ADMIN}


def test_a_token_that_is_not_asked_for_is_found(shop: Manifests) -> None:
    policies = copy.deepcopy(shop.of("AuthorizationPolicy"))
    users = next(one for one in policies if one["metadata"]["name"] == "users")
    (guarded, *_) = [rule for rule in users["spec"]["rules"] if "requestPrincipals" in str(rule)]
    del guarded["from"][0]["source"]["requestPrincipals"]
    assert len(shown(policies)) < len(shown(shop.of("AuthorizationPolicy")))


def test_nobody_without_a_token_passes_the_gateway_to_what_asks_for_one(overlay: Manifests) -> None:
    spec = overlay.named("AuthorizationPolicy", "gateway-tokens")["spec"]
    (server,) = overlay.named("Gateway", "gateway")["spec"]["servers"]
    (rule,) = spec["rules"]
    (to,) = rule["to"]
    assert (spec["action"], spec["selector"]) == ("DENY", {"matchLabels": {"istio": "gateway"}})
    assert rule["from"] == [{"source": {"notRequestPrincipals": ["argosy/*"]}}]
    assert to["operation"]["ports"] == [str(server["port"]["number"])]
    assert set(to["operation"]["paths"]) == set(SHOWN)


def test_pages_and_public_keys_have_a_door_each(shop: Manifests) -> None:
    for service, door in DOORS.items():
        assert door in shop.named("AuthorizationPolicy", service)["spec"]["rules"]
    (plain,) = [one for one in shop.of("PeerAuthentication") if "portLevelMtls" in one["spec"]]
    assert plain["spec"] == {
        "selector": {"matchLabels": {"app": "users"}},
        "mtls": {"mode": "STRICT"},
        "portLevelMtls": {"8080": {"mode": "PERMISSIVE"}},  # istiod has no certificate of the mesh
    }


def test_a_customers_name_comes_from_a_verified_token_alone(overlay: Manifests) -> None:
    (rule,) = overlay.named("RequestAuthentication", "customers")["spec"]["jwtRules"]
    assert (rule["issuer"], rule["audiences"]) == ("argosy", ["shop"])
    assert rule["fromHeaders"] == [{"name": "Authorization", "prefix": "Bearer "}]
    assert rule["outputClaimToHeaders"] == [
        {"header": CUSTOMER_HEADER, "claim": "sub"},
        {"header": ROLE_HEADER, "claim": "role"},
    ]
    host, port = rule["jwksUri"].removeprefix("http://").partition("/")[0].split(":")
    service = overlay.named("Service", host.partition(".")[0])
    assert int(port) in {each["port"] for each in service["spec"]["ports"]}


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
    names = shop.names("AuthorizationPolicy") - SERVICES - {"deny-by-default"}
    assert names == {"gateway", "gateway-tokens"}
    spec = shop.named("AuthorizationPolicy", "gateway")["spec"]
    assert spec["selector"] == {"matchLabels": {"istio": "gateway"}}
    assert spec["rules"] == [{"to": [{"operation": {"ports": ["8080"], "methods": ["GET", "HEAD", "POST", "PUT"]}}]}]
    assert shop.named("Gateway", "gateway")["spec"]["servers"][0]["port"]["number"] == 8080


def test_everybody_has_an_identity_of_his_own(shop: Manifests) -> None:
    for name, pod in shop.pods():
        assert pod["spec"]["serviceAccountName"] == pod["metadata"]["labels"]["app"], name
        assert shop.named("ServiceAccount", pod["spec"]["serviceAccountName"])["automountServiceAccountToken"] is False
