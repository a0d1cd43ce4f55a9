"""Calls reach what they should, are repeated only when nobody saw them, and give up before their caller does."""

from __future__ import annotations

from collections.abc import Iterator

from mesh.resilience import MethodPolicy
from services.orders import policy as orders
from tests.k8s.callers import ADMINISTRATION, METHODS, PAGES, PUBLIC, SERVICES, inner_calls
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
    for (_, callee, path), policy in inner_calls().items():
        rule = entrance(shop, f"{callee}-mesh", path)
        if not path.startswith(ADMINISTRATION) and not METHODS[path][1].server_streaming:
            assert rule["delegate"]["name"] == callee
            yield path, policy, rule["retries"]


def most_handled(policy: MethodPolicy, retries: Object) -> int:
    """How often one call of the application can reach a handler: its attempts x the mesh's x gRPC's own (none)."""
    safe = set(retries["retryOn"].split(",")) <= NOT_PROCESSED
    return policy.most_attempts * (1 if safe else 1 + int(retries["attempts"]))


def test_rule_27_the_mesh_repeats_once_and_only_what_nobody_processed(shop: Manifests) -> None:
    for rule in entrances(shop):
        assert rule["retries"]["attempts"] == 1, rule["name"]
        assert set(rule["retries"]["retryOn"].split(",")) == NOT_PROCESSED, rule["name"]


def test_rule_27_no_call_is_handled_more_than_three_times(shop: Manifests) -> None:
    for path, policy, retries in inner_entrances(shop):
        assert most_handled(policy, retries) <= 3, path


def test_a_mesh_that_repeats_answers_would_handle_a_call_more_often() -> None:
    istio_default = {"attempts": 2, "retryOn": "connect-failure,refused-stream,unavailable,cancelled"}
    assert most_handled(MethodPolicy(idempotent=True), istio_default) == 9


def test_rule_28_the_mesh_gives_up_a_try_before_its_caller_does(shop: Manifests) -> None:
    for path, policy, retries in inner_entrances(shop):
        assert 0 < seconds(retries["perTryTimeout"]) < policy.try_timeout, path


def test_no_entrance_cuts_a_placement_short(shop: Manifests) -> None:
    path = "/shop.orders.v1.OrdersService/PlaceOrder"
    own = orders.SERVER.method(path).deadline
    assert own is not None
    for virtual_service in ("gateway", "orders-mesh"):
        assert seconds(entrance(shop, virtual_service, path)["retries"]["perTryTimeout"]) > own


def test_operators_reach_any_pod_of_any_version_and_nothing_is_repeated(shop: Manifests) -> None:
    for service in SERVICES:
        rule = entrance(shop, f"{service}-mesh", ADMINISTRATION + "SetBreaker")
        (route,) = rule["route"]
        assert route["destination"].items() >= {"host": service, "subset": "every"}.items()
        assert rule["retries"] == {"attempts": 0}


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


def test_one_primary_route_says_which_versions_answer_wherever_the_call_comes_from(shop: Manifests) -> None:
    for service in SERVICES:
        spec = shop.named("VirtualService", service)["spec"]
        (rule,) = spec["http"]
        assert "hosts" not in spec  # a delegate
        assert rule["name"] == "primary"
        assert {route["destination"]["host"] for route in rule["route"]} == {service}
    assert {rule["delegate"]["name"] for rule in entrances(shop)} == SERVICES


def test_all_traffic_goes_to_v1_until_a_canary_moves_it(shop: Manifests) -> None:
    weights = {
        service: {
            route["destination"]["subset"]: route["weight"]
            for route in shop.named("VirtualService", service)["spec"]["http"][0]["route"]
        }
        for service in SERVICES
    }
    canaries = {"catalog", "payments"}
    assert weights == {name: {"v1": 100, "v2": 0} if name in canaries else {"v1": 100} for name in SERVICES}


def test_the_public_reaches_what_is_for_people_and_no_other_method(shop: Manifests) -> None:
    *methods, keys, live, pages = shop.named("VirtualService", "gateway")["spec"]["http"]
    matches = [match for rule in methods for match in rule["match"]]
    assert [set(match) for match in matches] == [{"uri"}] * len(matches)
    assert sorted(match["uri"]["exact"] for match in matches) == sorted(PUBLIC)
    assert keys["match"] == [{"uri": {"exact": "/.well-known/jwks.json"}, "method": {"exact": "GET"}}]
    assert [rule["delegate"]["name"] for rule in (live, pages)] == [PAGES, PAGES]


def test_a_page_has_a_time_limit_and_what_watches_an_order_has_none_and_no_page_is_grpc(shop: Manifests) -> None:
    *_, live, pages = shop.named("VirtualService", "gateway")["spec"]["http"]
    assert live["match"] == [{"uri": {"prefix": "/"}, "headers": {"accept": {"exact": "text/event-stream"}}}]
    assert "perTryTimeout" not in live["retries"]
    grpc = {"content-type": {"prefix": "application/grpc"}}
    assert pages["match"] == [{"uri": {"prefix": "/"}, "withoutHeaders": grpc}]
    assert seconds(pages["retries"]["perTryTimeout"]) > 0


def test_a_service_with_several_ports_is_routed_to_the_one_that_is_meant(shop: Manifests) -> None:
    for service in SERVICES:
        ports = {each["name"]: each["port"] for each in shop.named("Service", service)["spec"]["ports"]}
        meant = {service: "http" if service == PAGES else "grpc", f"{service}-mesh": "grpc"}
        for name, port in meant.items():
            found = [rule["route"] for rule in shop.named("VirtualService", name)["spec"]["http"] if "route" in rule]
            named = {route["destination"].get("port", {}).get("number") for routes in found for route in routes}
            assert named == ({ports[port]} if len(ports) > 1 else {None}), name
