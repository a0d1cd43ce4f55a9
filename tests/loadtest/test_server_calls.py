"""How often was a method tried? What servers and their sidecars say, read and added up."""

from loadtest.server_calls import ABORTED, CALLED, HANDLED, STARTED, Series, aborts, growth, parse, total, tries

CHARGE = "/shop.payments.v1.PaymentsService/Charge"
METRICS = f"""\
# TYPE process_start_time_seconds gauge
process_start_time_seconds 100.5
# TYPE argosy_server_started_total counter
argosy_server_started_total{{method="{CHARGE}"}} 7.0
# TYPE argosy_client_calls_total counter
argosy_client_calls_total{{peer="payments",method="{CHARGE}",code="OK"}} 3.0
argosy_client_calls_total{{peer="payments",method="{CHARGE}",code="UNAVAILABLE"}} 2.0
# TYPE argosy_server_handled_total counter
argosy_server_handled_total{{method="{CHARGE}",code="OK"}} 99.0
"""
STATS = """\
http.inbound_127.10.0.4_50051;.fault.aborts_injected: 37
http.outbound_127.11.0.4_50051;.fault.aborts_injected: 5
"""


def started(value: float, *, began: float = 1.0, pod: str = "payments-v1-a") -> dict[Series, float]:
    return {Series("payments", pod, began, STARTED, CHARGE): value}


def aborted(value: float) -> dict[Series, float]:
    return {Series("payments", "payments-v1-a", 0.0, ABORTED, ""): value}


def test_a_counter_is_told_by_method_and_by_status_where_it_has_one() -> None:
    calls = {(CALLED, CHARGE, "OK"): 3.0, (CALLED, CHARGE, "UNAVAILABLE"): 2.0}
    assert parse(METRICS) == (100.5, {(STARTED, CHARGE, ""): 7.0, (HANDLED, CHARGE, "OK"): 99.0} | calls)


def test_a_counter_is_summed_over_the_fields_nobody_asks_for() -> None:
    _, counters = parse(METRICS)
    counts = {Series("orders", "orders-v1-a", 100.5, *counter): value for counter, value in counters.items()}
    assert total(counts, metric=CALLED, method=CHARGE) == 5
    assert total(counts, metric=CALLED, method=CHARGE, code="OK") == 3


def test_a_process_that_does_not_answer_has_counted_nothing() -> None:
    assert parse("") == (0.0, {})
    assert aborts("") == 0.0


def test_only_what_the_sidecar_aborted_on_the_way_in_was_a_try_of_this_server() -> None:
    assert aborts(STATS) == 37.0


def test_what_was_counted_before_is_no_try_of_now() -> None:
    assert tries(growth(started(5), started(12)), "payments", CHARGE) == 7


def test_a_process_that_was_started_again_counts_from_nothing() -> None:
    """Also when it has meanwhile counted more than the one before it, which Prometheus would take for growth."""
    assert tries(growth(started(5), started(12, began=2.0)), "payments", CHARGE) == 12


def test_a_pod_that_is_new_counts_in_full_and_one_that_is_gone_not_at_all() -> None:
    grown = growth(started(5), started(3, pod="payments-v2-b"))
    assert tries(grown, "payments", CHARGE) == 3


def test_a_call_that_the_sidecar_answered_for_the_server_is_a_try_too() -> None:
    grown = growth(started(0) | aborted(10), started(70) | aborted(40))
    assert tries(grown, "payments", CHARGE) == 100


def test_another_service_or_method_is_not_counted() -> None:
    grown = growth({}, started(7))
    assert tries(grown, "catalog", CHARGE) == 0
    assert tries(grown, "payments", CHARGE.replace("Charge", "Refund")) == 0
    assert total(grown, pod="payments-v1-a") == 7
