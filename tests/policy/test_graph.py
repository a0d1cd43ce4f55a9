"""The call graph knows every edge, every path, and how often a call can come to be processed on it."""

from __future__ import annotations

from mesh.resilience import BudgetPolicy
from tests.policy.policies import committed, graph


def test_a_path_goes_from_where_a_call_begins_to_every_rpc_behind_it() -> None:
    paths = {str(path) for path in committed().paths()}
    assert "gateway > orders.PlaceOrder" in paths
    assert "gateway > orders.PlaceOrder > payments.Charge" in paths
    assert "orders > payments.Refund" in paths  # of its own accord
    assert "auditor > orders.ListOrders" in paths
    assert not any(path.startswith("payments >") for path in paths)


def test_processed_and_sent_are_counted_apart() -> None:
    (path,) = [path for path in committed().paths() if str(path) == "gateway > orders.PlaceOrder > payments.Charge"]
    assert (path.processed, path.sent) == (3, 12)
    istios = {"mesh.retry_on": ["connect-failure", "unavailable"], "mesh.attempts": 2}
    (worse,) = [one for one in graph(payments=istios).paths() if str(one) == str(path)]
    assert (worse.processed, worse.sent) == (9, 18)


def test_what_is_served_everywhere_is_an_rpc_of_every_service() -> None:
    named = committed().named("hosting.GetState")
    assert {rpc.callee for rpc in named} == set(committed().services) > {"catalog", "orders", "storefront"}
    assert all(committed().hop("operator", rpc).mesh_tries == 1 for rpc in named)


def test_who_calls_whom_is_known_from_both_sides() -> None:
    assert [str(rpc) for rpc in committed().callers("catalog")["orders"]] == ["catalog.BatchGetProducts"]
    assert {rpc.callee for rpc in committed().calls("orders")} == {"catalog", "inventory", "payments"}
    assert list(committed().callers("orders")) == [
        "gateway",
        *("auditor", "operator", "recommendations", "reporter", "storefront"),
    ]


def test_people_come_through_the_gateway_and_on_pages() -> None:
    assert committed().people == {"gateway", "storefront"}
    assert "users.Login" in {str(rpc) for rpc in committed().public("users")}
    assert committed().public("payments") == committed().public("storefront") == []


def test_experiments_may_make_fail_what_its_policy_allows() -> None:
    assert committed().may_fail("orders", "catalog") == ["/shop.catalog.v1.CatalogService/BatchGetProducts"]
    assert committed().may_fail("auditor", "payments") == []
    spared = graph(catalog={"methods.BatchGetProducts.fault_injection": False})
    assert spared.may_fail("orders", "catalog") == []


def test_rule_07_every_caller_has_three_attempts_at_most_and_a_budget_of_a_tenth() -> None:
    peers = [peer for caller in committed().documents for peer in committed().peers(caller).values()]
    # Of the auditor, the operator, orders, recommendations, the reporter, the seeder and the storefront.
    assert len(peers) == 3 + 8 + 3 + 2 + 1 + 2 + 6
    for peer in peers:
        assert peer.budget == BudgetPolicy(ratio=0.1, floor=1.0)
        assert all(method.most_attempts <= 3 for method in peer.methods.values())
        assert all(method.per_try_timeout for method in peer.methods.values() if method.most_attempts > 1)


def test_rule_01_every_rpc_has_a_deadline() -> None:
    assert [str(rpc) for rpc in committed().rpcs if rpc.method.deadline is None] == []
    for service in committed().services:
        assert committed().server(service).methods.keys() == {rpc.path for rpc in committed().own(service)}


def test_a_caller_may_be_more_patient_than_the_handler() -> None:
    place = "/shop.orders.v1.OrdersService/PlaceOrder"
    served = committed().server("orders").method(place).deadline
    assert served is not None
    assert served < committed().peers("storefront")["orders"].method(place).timeout


def test_a_policy_of_the_callee_is_what_its_caller_gets() -> None:
    payments = committed().peers("orders")["payments"]
    assert payments.bulkhead == 64
    assert payments.budget.ratio == 0.1
    assert payments.breaker("refund").open_limit == 3.0
    assert payments.method("/shop.payments.v1.PaymentsService/Charge").try_timeout == 1.0
    assert "/shop.payments.v1.PaymentsService/ListPayments" not in payments.methods
