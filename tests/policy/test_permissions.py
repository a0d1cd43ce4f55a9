"""People show what a method asks for, programs nothing, and each door is no wider than what is behind it."""

from __future__ import annotations

from typing import Any

from mesh.policy.graph import Graph
from mesh.policy.istio import outer_routes
from mesh.policy.network import edges, network_policy
from mesh.policy.permissions import PRINCIPAL, authorization_policy, gateway_policy, manifests
from tests.policy.policies import committed, graph

STOCK = "/shop.inventory.v1.InventoryService/GetStock"
LIST = "/shop.inventory.v1.InventoryService/ListStock"


def rules(graph: Graph, service: str, path: str) -> dict[str, Any]:
    """Each caller's rule for the path, without the path."""
    found = {}
    for rule in authorization_policy(graph, service)["spec"]["rules"]:
        if path in rule["to"][0]["operation"].get("paths", []):
            source = rule["from"][0]["source"]
            (principal,) = source["principals"]
            asked = source.get("requestPrincipals"), [one["values"] for one in rule.get("when", [])]
            found[principal.removeprefix(PRINCIPAL)] = asked
    return found


NOTHING: tuple[None, list[list[str]]] = (None, [])
A_TOKEN: tuple[list[str], list[list[str]]] = (["argosy/*"], [])
AN_ADMIN = (["argosy/*"], [["admin"]])


def test_a_role_is_asked_of_people_and_not_of_programs() -> None:
    assert rules(committed(), "inventory", LIST) == {"gateway": AN_ADMIN, "auditor": NOTHING, "storefront": AN_ADMIN}


def test_a_method_is_open_guarded_or_for_a_role() -> None:
    callers = dict.fromkeys(("gateway", "seeder", "storefront"), NOTHING)
    assert rules(committed(), "inventory", STOCK) == callers
    guarded = graph(inventory={"methods.GetStock.token": "required"})
    assert rules(guarded, "inventory", STOCK) == {**callers, "gateway": A_TOKEN, "storefront": A_TOKEN}
    ruled = graph(inventory={"methods.GetStock.role": "admin"})
    assert rules(ruled, "inventory", STOCK) == {**callers, "gateway": AN_ADMIN, "storefront": AN_ADMIN}


def test_the_gateway_refuses_strangers_what_asks_for_a_token_and_nothing_else() -> None:
    def refused(graph: Graph) -> set[str]:
        return {path for rule in gateway_policy(graph)["spec"]["rules"] for path in rule["to"][0]["operation"]["paths"]}

    guarded = graph(inventory={"methods.GetStock.token": "required"})
    assert refused(guarded) - refused(committed()) == {STOCK}
    # What the gateway does not pass on anyway needs no word.
    inside = graph(inventory={"methods.ListStock.callers": ["auditor", "storefront"]})
    assert refused(committed()) - refused(inside) == {LIST}


def test_a_shop_that_asks_for_nothing_denies_nothing() -> None:
    # An AuthorizationPolicy without rules that denies matches no call.
    open_to_all = Graph({name: one for name, one in committed().documents.items() if name in {"payments", "orders"}})
    assert gateway_policy(open_to_all)["spec"]["rules"] == []


def test_pages_are_for_the_gateway_and_keys_for_everybody() -> None:
    *_, pages = authorization_policy(committed(), "storefront")["spec"]["rules"]
    assert pages == {
        "from": [{"source": {"principals": [PRINCIPAL + "gateway"]}}],
        "to": [{"operation": {"ports": ["8000"]}}],
    }
    *_, keys = authorization_policy(committed(), "users")["spec"]["rules"]
    assert keys == {"to": [{"operation": {"ports": ["8080"], "methods": ["GET"], "paths": ["/.well-known/jwks.json"]}}]}


def test_one_port_of_one_service_is_read_without_a_certificate() -> None:
    made = manifests(committed(), "header")
    assert [path for path in made if path.endswith("peer-authentication.yaml")] == [
        "k8s/components/istio/users/peer-authentication.yaml"
    ]
    assert (
        'portLevelMtls:\n    "8080":\n      mode: PERMISSIVE'
        in made["k8s/components/istio/users/peer-authentication.yaml"]
    )


def test_packets_pass_at_every_port_that_has_a_door() -> None:
    known = set(edges(committed()))
    assert {port for _, callee, port in known if callee == "users"} == {50051, 8080}
    assert ("gateway", "storefront", 8000) in known
    keys, rpcs = network_policy("users", known, published=8080)["spec"]["ingress"]
    assert (rpcs["ports"][0]["port"], keys["ports"][0]["port"]) == (50051, 8080)
    assert ["namespaceSelector" in peer for peer in keys["from"]] == [False, True]  # the gateway, and istiod


def test_a_service_without_methods_for_people_has_no_way_in_from_outside() -> None:
    assert outer_routes(committed(), "payments") == outer_routes(committed(), "storefront") == []
