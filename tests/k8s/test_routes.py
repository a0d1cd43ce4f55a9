"""Calls reach what they should, are repeated only when nobody saw them, and give up before their caller does."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from mesh.resilience import MethodPolicy
from services.orders.peers import PLACE_SECONDS
from tests.k8s.callers import CONTRACTS, METHODS, PUBLIC, inner_calls
from tests.k8s.manifests import Manifests, Object, seconds

NOT_PROCESSED = {"connect-failure", "refused-stream", "reset-before-request"}
"""Failures after which no handler has seen the request."""


def rules(virtual_services: list[Object]) -> Iterator[tuple[str, Object]]:
    for one in virtual_services:
        yield from ((one["metadata"]["name"], rule) for rule in one["spec"]["http"])


def entrances(shop: Manifests) -> list[Object]:
    """The routes by which calls come in; they delegate to the services' own VirtualServices."""
    return [rule for _, rule in rules(shop.of("VirtualService")) if "delegate" in rule]


def entrance(shop: Manifests, entrances: str, path: str) -> Object:
    """The first rule of VirtualService `entrances` that a call of `path` matches, as Envoy chooses it."""
    for rule in shop.named("VirtualService", entrances)["spec"]["http"]:
        for match in rule.get("match", [{"uri": {"prefix": ""}}]):
            if match["uri"].get("exact") == path or path.startswith(match["uri"].get("prefix", path + "-")):
                return dict(rule)
    raise AssertionError(f"{entrances} has no route for {path}")


def inner_entrances(shop: Manifests) -> Iterator[tuple[str, MethodPolicy, Object]]:
    """Every call between services: its path, the caller's policy, the mesh's retries."""
    for (_, path), policy in inner_calls().items():
        rule = entrance(shop, f"{METHODS[path][0]}-mesh", path)
        assert rule["delegate"]["name"] == METHODS[path][0]
        yield path, policy, rule["retries"]


def most_handled(policy: MethodPolicy, retries: Object) -> int:
    """How often one call of the application can reach a handler: its attempts x the mesh's x gRPC's own (none)."""
    safe = set(retries["retryOn"].split(",")) <= NOT_PROCESSED
    return policy.most_attempts * (1 if safe else 1 + int(retries["attempts"]))


def test_the_mesh_repeats_once_and_only_what_nobody_processed(shop: Manifests) -> None:
    for rule in entrances(shop):
        assert rule["retries"]["attempts"] == 1, rule["name"]
        assert set(rule["retries"]["retryOn"].split(",")) == NOT_PROCESSED, rule["name"]


def test_no_call_is_handled_more_than_three_times(shop: Manifests) -> None:
    for path, policy, retries in inner_entrances(shop):
        assert most_handled(policy, retries) <= 3, path


def test_a_mesh_that_repeats_answers_would_handle_a_call_more_often() -> None:
    istio_default = {"attempts": 2, "retryOn": "connect-failure,refused-stream,unavailable,cancelled"}
    assert most_handled(MethodPolicy(idempotent=True), istio_default) == 9


def test_the_mesh_gives_up_a_try_before_its_caller_does(shop: Manifests) -> None:
    for path, policy, retries in inner_entrances(shop):
        assert 0 < seconds(retries["perTryTimeout"]) < policy.try_timeout, path


def test_no_entrance_cuts_a_placement_short(shop: Manifests) -> None:
    for virtual_service in ("gateway", "orders-mesh"):
        rule = entrance(shop, virtual_service, "/shop.orders.v1.OrdersService/PlaceOrder")
        assert seconds(rule["retries"]["perTryTimeout"]) > PLACE_SECONDS


def test_a_stream_may_last(shop: Manifests) -> None:
    for path in PUBLIC:
        rule = entrance(shop, "gateway", path)
        assert ("perTryTimeout" not in rule["retries"]) == METHODS[path][1].server_streaming, path


def test_a_deadline_is_the_callers_alone(shop: Manifests) -> None:
    assert [name for name, rule in rules(shop.of("VirtualService")) if "timeout" in rule] == []


def test_connecting_takes_less_than_a_try(shop: Manifests) -> None:
    for rule in entrances(shop):
        if "perTryTimeout" not in rule["retries"]:
            continue
        pool = shop.named("DestinationRule", rule["delegate"]["name"])["spec"]["trafficPolicy"]["connectionPool"]
        assert seconds(pool["tcp"]["connectTimeout"]) < seconds(rule["retries"]["perTryTimeout"])


def faults_beside_retries(virtual_services: list[Object]) -> list[str]:
    return [name for name, rule in rules(virtual_services) if "fault" in rule and "retries" in rule]


def test_no_route_has_both_a_fault_and_retries(shop: Manifests) -> None:
    assert [name for name, rule in rules(shop.of("VirtualService")) if "fault" in rule] == []
    faulty = copy.deepcopy(shop.of("VirtualService"))
    for _, rule in rules(faulty):
        rule["fault"] = {"abort": {"grpcStatus": "UNAVAILABLE"}}
    assert len(faults_beside_retries(faulty)) == len(entrances(shop))


def test_one_primary_route_says_which_versions_answer_wherever_the_call_comes_from(shop: Manifests) -> None:
    for service in CONTRACTS:
        spec = shop.named("VirtualService", service)["spec"]
        (rule,) = spec["http"]
        assert "hosts" not in spec  # a delegate
        assert rule["name"] == "primary"
        assert {route["destination"]["host"] for route in rule["route"]} == {service}
    assert {rule["delegate"]["name"] for rule in entrances(shop)} == set(CONTRACTS)


def test_all_traffic_goes_to_v1_until_a_canary_moves_it(shop: Manifests) -> None:
    weights = {
        service: {
            route["destination"]["subset"]: route["weight"]
            for route in shop.named("VirtualService", service)["spec"]["http"][0]["route"]
        }
        for service in CONTRACTS
    }
    assert weights == {
        "catalog": {"v1": 100, "v2": 0},
        "payments": {"v1": 100, "v2": 0},
        "inventory": {"v1": 100},
        "orders": {"v1": 100},
    }


def test_the_public_reaches_catalog_orders_and_the_stock_and_nothing_else(shop: Manifests) -> None:
    spec = shop.named("VirtualService", "gateway")["spec"]
    assert {rule["name"]: rule["match"] for rule in spec["http"]} == {
        "catalog": [{"uri": {"prefix": "/shop.catalog.v1."}}],
        "inventory": [{"uri": {"exact": "/shop.inventory.v1.InventoryService/GetStock"}}],
        "watching": [{"uri": {"exact": "/shop.orders.v1.OrdersService/WatchOrder"}}],
        "orders": [{"uri": {"prefix": "/shop.orders.v1."}}],
    }
