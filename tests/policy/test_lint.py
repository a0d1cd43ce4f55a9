"""Every refusal refuses: the committed policies have none, and each change that is dangerous has its own."""

from __future__ import annotations

from mesh.policy.lint import EDGES, NUMBERS, Finding, amplification, ejectable, lint
from tests.policy.policies import REMOVED, committed, graph, refused

ISTIOS_DEFAULT = ["connect-failure", "refused-stream", "unavailable", "cancelled"]
AUDITED = ["inventory.ListReservations", "inventory.ListStock", "orders.ListOrders", "payments.ListPayments"]


def test_the_committed_policies_are_not_refused() -> None:
    assert lint(committed()) == []


def test_rule_27_a_mesh_that_repeats_answers_multiplies_and_is_refused() -> None:
    said = refused(payments={"mesh.retry_on": ISTIOS_DEFAULT, "mesh.attempts": 2})
    assert said["amplification"].startswith("gateway > orders.PlaceOrder > payments.Charge is processed up to")
    assert said["amplification"].endswith("1 x 1 x 1 x 3 x 3 x 1 = 9 times")


def test_rule_27_attempts_multiply_over_hops_that_each_look_harmless() -> None:
    said = refused(orders={"mesh.retry_on": ISTIOS_DEFAULT})
    assert said["amplification"].endswith("is processed up to 1 x 2 x 1 x 3 x 1 x 1 = 6 times")


def test_rule_27_native_retries_would_be_counted() -> None:
    assert list(amplification(committed())) == []
    assert any("3 x 1 x 4 = 48" in problem for _, problem in amplification(committed(), native=4))


def test_rule_02_a_deadline_below_the_sum_of_what_it_must_cover_is_refused() -> None:
    said = refused(orders={"methods.PlaceOrder.deadline": "3s"})
    assert set(said) == {"deadline-below-its-calls"}
    assert said["deadline-below-its-calls"] == (
        "orders.PlaceOrder has 3 s and calls catalog.BatchGetProducts 0.5 + inventory.Reserve 0.8"
        " + payments.Charge 1 + inventory.Commit 0.8 = 3.1 s"
    )
    assert refused(orders={"methods.PlaceOrder.deadline": "3100ms"}) == {}


def test_rule_02_a_deadline_without_room_for_a_second_try_is_refused() -> None:
    assert set(refused(catalog={"methods.BatchGetProducts.deadline": "1s"})) == {"no-second-try"}
    assert refused(catalog={"methods.BatchGetProducts.deadline": "1050ms"}) == {}
    assert refused(catalog={"methods.BatchGetProducts.deadline": "1s", "methods.BatchGetProducts.attempts": 1}) == {}


def test_rule_28_a_mesh_that_waits_as_long_as_its_caller_is_refused() -> None:
    assert set(refused(catalog={"mesh.per_try": "500ms"})) == {"mesh-outlasts-caller"}
    assert set(refused(orders={"methods.ListOrders.mesh_per_try": "3s"})) == {"mesh-outlasts-caller"}


def test_rule_28_an_ejection_of_nothing_or_of_everything_is_refused() -> None:
    assert refused(catalog={"outlier": {"max_ejection_percent": 10}})["ejection"].startswith("10 % ejects nothing")
    assert refused(catalog={"outlier": {"max_ejection_percent": 100}})["ejection"].startswith("100 % ejects everything")
    assert set(refused(catalog={"replicas": "1..1", "outlier": {"max_ejection_percent": 10}})) == set()
    assert set(refused(catalog={"replicas": "10..20", "outlier": {"max_ejection_percent": 10}})) == set()


def test_envoy_rounds_the_number_of_pods_it_may_eject_down() -> None:
    assert [ejectable(50, pods) for pods in (1, 2, 3, 4)] == [0, 1, 1, 2]
    assert [ejectable(10, pods) for pods in (1, 2, 9, 10)] == [0, 0, 0, 1]


def test_a_service_that_would_be_ejected_for_the_failures_of_others_is_refused() -> None:
    assert set(refused(orders={"outlier": {"judged_by": "answers"}})) == {"blames-others"}


def test_pages_that_would_be_ejected_for_the_failures_of_others_are_refused() -> None:
    assert set(refused(storefront={"outlier": {"judged_by": "answers"}})) == {"blames-others"}


def test_a_token_that_only_programs_would_have_to_show_is_refused() -> None:
    assert refused(payments={"methods.ListPayments.role": "admin"}) == {
        "token-of-nobody": "payments.ListPayments asks people for a role, and is called by programs only"
    }
    assert set(refused(payments={"methods.ListPayments.token": "required"})) == {"token-of-nobody"}


def test_pages_without_a_way_for_people_are_refused() -> None:
    assert set(refused(storefront={"gateway": REMOVED})) == {"caller-without-terms"}


def test_an_edge_without_a_caller_is_refused() -> None:
    listed = {"methods.Charge.callers": ["orders", "auditor"]}
    assert refused(payments=listed) == {
        "edge-without-caller": "auditor may call payments.Charge, and nothing says that it does"
    }
    assert set(refused(payments={"methods.Charge.callers": ["orders", "stranger"]})) >= {"edge-without-caller"}


def test_a_call_that_nobody_allows_or_serves_is_refused() -> None:
    assert set(refused(auditor={"calls": [*AUDITED, "payments.Charge"]})) == {"call-not-allowed"}
    assert refused(auditor={"calls": [*AUDITED, "payments.Charged"]}) == {
        "unknown-callee": "auditor calls payments.Charged, which no policy describes"
    }


def test_a_caller_without_terms_and_terms_without_a_caller_are_refused() -> None:
    assert set(refused(catalog={"callers": {}})) == {"caller-without-terms"}
    assert set(refused(catalog={"callers": {"orders": {}, "auditor": {}}})) == {"caller-without-terms"}
    assert set(refused(payments={"gateway": {"per_try": "4s"}})) == {"caller-without-terms"}


def test_a_circle_is_refused() -> None:
    circle = {"calls": ["orders.GetOrder"], "methods.Charge.calls": ["orders.GetOrder"]}
    back = {
        "methods.GetOrder.callers": ["gateway", "payments", "recommendations", "storefront"],
        "methods.GetOrder.calls": ["payments.Charge"],
        "callers.payments": {},
    }
    assert set(refused(payments=circle, orders=back)) == {"circle"}


def test_an_entrance_that_cuts_a_write_short_is_refused() -> None:
    said = refused(orders={"gateway": {"per_try": "4s"}})
    assert said == {"gateway-cuts-writes": "orders.PlaceOrder takes up to 4 s, the gateway gives it 4 s"}


def test_an_entrance_that_cuts_a_page_short_that_waits_for_an_order_is_refused() -> None:
    said = refused(storefront={"gateway": {"per_try": "5s"}})
    assert set(said) == {"gateway-cuts-writes"}
    assert said["gateway-cuts-writes"].startswith("pages of storefront wait 5 s for orders.")


def test_rule_07_a_budget_above_a_tenth_is_refused() -> None:
    assert set(refused(catalog={"callers.orders.retry_budget.ratio": 0.5})) == {"budget"}


def test_one_breaker_with_two_lengths_of_a_try_is_refused() -> None:
    assert set(refused(inventory={"methods.ListStock.mesh_per_try": "2s"})) == {"groups-apart"}


def test_numbers_of_a_breaker_that_no_method_has_are_refused() -> None:
    assert set(refused(payments={"breakers.reads": {"open_limit": "10s"}})) == {"breaker-without-methods"}


def test_a_finding_says_where() -> None:
    changed = graph(orders={"methods.PlaceOrder.deadline": "3s"})
    (finding,) = lint(changed)
    path, line = finding.where.split(":")
    assert (path, finding.rule) == ("services/orders/policy.yaml", "deadline-below-its-calls")
    assert int(line) > 1
    assert str(Finding("r", "f:1", "p")) == "f:1: p [r]"


def test_every_refusal_has_a_name_of_its_own() -> None:
    assert not EDGES.keys() & NUMBERS.keys()
