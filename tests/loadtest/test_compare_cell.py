"""What are the numbers of one fault under one protection?"""

import pytest
from grpc import StatusCode

from loadtest.compare.cell import NEVER, Cell, cell_of, recovered
from loadtest.outcome import Kind, Outcome
from loadtest.report import NothingMeasured, Report, Sample
from loadtest.wellness import PATIENCE, clean_for

CONFIRMED = Outcome(StatusCode.OK, Kind.OK)
DEGRADED = Outcome(StatusCode.OK, Kind.OK, degraded="catalog")
REFUSED = Outcome(StatusCode.UNAVAILABLE, Kind.UNAVAILABLE)
SOLD_OUT = Outcome(StatusCode.FAILED_PRECONDITION, Kind.EXPECTED, reason="OUT_OF_STOCK")


def orders(*outcomes: Outcome, begin: float = 0.0, latency: float = 0.1) -> Report:
    """One order per second."""
    due = [begin + number for number in range(len(outcomes))]
    samples = [Sample(n, t, t, t + latency, outcome) for n, (t, outcome) in enumerate(zip(due, outcomes, strict=True))]
    return Report(1.0, tuple(samples))


def measured(report: Report, *, tries: float = 0.0, recovery: float = 0.0) -> Cell:
    return cell_of("x", "both", report, seconds=4.0, tries=tries, recovery=recovery)


def test_goodput_is_orders_confirmed_in_time_for_each_second_of_the_fault() -> None:
    found = measured(orders(CONFIRMED, REFUSED, CONFIRMED, SOLD_OUT))
    assert (found.orders, found.confirmed) == (4, 2)
    assert (found.share, found.goodput) == (0.5, 0.5)
    assert found.codes == "OK 2, UNAVAILABLE 1, FAILED_PRECONDITION 1"


def test_an_order_that_is_confirmed_after_the_customer_has_left_is_no_goodput() -> None:
    assert measured(orders(CONFIRMED, latency=PATIENCE)).confirmed == 1
    assert measured(orders(CONFIRMED, latency=PATIENCE + 0.01)).confirmed == 0


def test_latency_counts_from_when_the_order_was_due() -> None:
    late = Report(1.0, (Sample(0, 0.0, PATIENCE, PATIENCE + 0.1, CONFIRMED),))
    assert measured(late).p99 == PATIENCE + 0.1
    assert measured(late).confirmed == 0


def test_tries_are_shared_among_the_orders_that_were_placed() -> None:
    assert measured(orders(CONFIRMED, REFUSED), tries=3).tries == 1.5


def test_a_degraded_order_is_confirmed_and_counted_beside() -> None:
    found = measured(orders(CONFIRMED, DEGRADED, REFUSED))
    assert (found.confirmed, found.degraded) == (2, 1)


def test_a_generator_that_fell_behind_measured_itself() -> None:
    assert not measured(orders(CONFIRMED, CONFIRMED)).objection
    dropped = Report(1.0, orders(CONFIRMED, CONFIRMED).samples, dropped=(2.0,))
    assert "schedule" in measured(dropped).objection
    assert measured(dropped).orders == 3  # what was due and never sent is nobody's success


def test_no_orders_are_no_result() -> None:
    with pytest.raises(NothingMeasured):
        measured(Report(1.0, ()))


def test_recovery_ends_when_the_last_order_that_failed_was_due() -> None:
    during, afterwards = orders(CONFIRMED, REFUSED), orders(REFUSED, REFUSED, CONFIRMED, begin=2.0)
    assert recovered(during, afterwards, since=2.0, well=True) == 1.0
    assert recovered(during, afterwards, since=0.0, well=True) == 3.0


def test_a_shop_that_never_failed_recovered_at_once() -> None:
    assert recovered(orders(CONFIRMED), orders(CONFIRMED, begin=1.0), since=0.5, well=True) == 0.0


def test_a_recovery_that_nobody_saw_is_not_called_one() -> None:
    assert recovered(orders(CONFIRMED), orders(REFUSED, begin=1.0), since=0.0, well=False) == NEVER


def test_a_clean_stretch_begins_at_the_last_order_that_failed() -> None:
    assert clean_for(orders(REFUSED, REFUSED, CONFIRMED), began=0.0, now=3.5) == 2.5
    assert clean_for(orders(CONFIRMED), began=0.5, now=3.5) == 3.0
    assert clean_for(orders(CONFIRMED, latency=PATIENCE + 1), began=-5.0, now=3.5) == 3.5  # too late is not clean
