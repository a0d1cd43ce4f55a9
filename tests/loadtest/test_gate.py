from collections.abc import Mapping

import pytest

from loadtest.gate import FEWEST, Judgement, Outcome, judge
from loadtest.generator.seen import Seen
from loadtest.outcome import Kind
from loadtest.reconciling import Compared, Says
from loadtest.timeline import Timeline
from mesh.objectives.reading import Objective

GET = "/shop.catalog.v1.CatalogService/GetProduct"
WATCH = "/shop.orders.v1.OrdersService/WatchOrder"
PROMISED: Mapping[str, Objective] = {
    GET: Objective(GET, "objectives.yaml:1", 30, 0.99, 0.1, 0.2),
    WATCH: Objective(WATCH, "objectives.yaml:2", 30, 0.99),
}


def ran(*, calls: int = 1000, failed: int = 0, slow: int = 0, rpc: str = "GetProduct", lag: float = 0.001) -> Seen:
    """A run of one RPC: some failed at once, some took 300 ms, the rest 10."""
    seen = Seen(Timeline(10))
    for number in range(calls):
        seen.punctuality.sent(number / 100, number / 100)
        if number < failed:
            seen.tally.record(rpc, "UNAVAILABLE", Kind.UNAVAILABLE, 0.001)
        else:
            seen.tally.record(rpc, "OK", Kind.OK, 0.3 if number < failed + slow else 0.01)
    for _ in range(100):
        seen.punctuality.lag.record(lag)
    return seen


def judged(seen: Seen, *comparison: Compared) -> Judgement:
    return judge(seen, PROMISED, comparison)


def test_a_run_that_kept_every_promise_met_them() -> None:
    judgement = judged(ran())
    assert (judgement.outcome, judgement.outcome.exit_code) == (Outcome.MET, 0)
    assert [check.what for check in judgement.checks] == ["availability", "p95", "p99"]


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (ran(failed=11), ["availability"]),
        (ran(slow=11), ["p99"]),
        (ran(slow=60), ["p95", "p99"]),
        (ran(failed=500), ["availability"]),  # that failed at once, which flatters no latency
    ],
)
def test_each_promise_that_was_not_kept_is_named(seen: Seen, what: list[str]) -> None:
    judgement = judged(seen)
    assert (judgement.outcome, judgement.outcome.exit_code) == (Outcome.MISSED, 1)
    assert [check.what for check in judgement.missed] == what


@pytest.mark.parametrize(("failed", "outcome"), [(10, Outcome.MET), (11, Outcome.MISSED)])
def test_the_error_budget_may_be_used_up_and_not_more(failed: int, outcome: Outcome) -> None:
    judgement = judged(ran(failed=failed))
    assert judgement.outcome is outcome
    assert judgement.checks[0].budget_used == pytest.approx(failed / 10)


def test_what_was_refused_as_it_deserved_was_answered() -> None:
    seen = ran()
    for _ in range(500):
        seen.tally.record("GetProduct", "FAILED_PRECONDITION", Kind.EXPECTED, 0.01)
    assert judged(seen).outcome is Outcome.MET


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.BROKEN])
def test_an_answer_nobody_deserved_is_none(kind: Kind) -> None:
    seen = ran()
    for _ in range(500):
        seen.tally.record("GetProduct", "INTERNAL", kind, 0.01)
    assert judged(seen).outcome is Outcome.MISSED


def test_a_stream_promises_no_latency() -> None:
    judgement = judged(ran(rpc="WatchOrder", slow=500))
    assert judgement.outcome is Outcome.MET
    assert [check.what for check in judgement.checks] == ["availability"]


def test_a_run_without_calls_is_invalid() -> None:
    judgement = judged(ran(calls=0))
    assert (judgement.outcome, judgement.outcome.exit_code) == (Outcome.INVALID, 3)
    assert "no call was made" in judgement.invalid


def test_a_run_of_too_few_calls_is_invalid_and_one_percentile_of_them_is_not_judged() -> None:
    few = judged(ran(calls=FEWEST["p95"] - 1, slow=10))
    assert few.outcome is Outcome.INVALID
    assert [check.judged for check in few.checks] == [True, False, False]
    more = judged(ran(calls=FEWEST["p99"] - 1, slow=3))
    assert more.outcome is Outcome.MET
    assert [check.judged for check in more.checks] == [True, True, False]


def test_a_call_that_failed_has_failed_however_few_there_were() -> None:
    assert judged(ran(calls=2, failed=2)).outcome is Outcome.MISSED


def test_a_run_of_rpcs_that_promise_nothing_is_invalid_and_names_them() -> None:
    judgement = judged(ran(rpc="GetState"))
    assert judgement.outcome is Outcome.INVALID
    assert judgement.unpromised == ("GetState",)


def test_a_promise_that_a_lagging_generator_may_have_missed_itself_says_nothing() -> None:
    """It was 100 ms: a quarter of that is too much of it. Kept in spite of the lag, it was kept."""
    assert judged(ran(slow=60, lag=0.02)).outcome is Outcome.MISSED
    assert judged(ran(slow=0, lag=0.03)).outcome is Outcome.MET
    late = judged(ran(slow=60, lag=0.03))
    assert late.outcome is Outcome.INVALID
    assert late.invalid[0].startswith("generator-bound: its event loop ran 30 ms late")


def test_a_generator_that_lags_too_much_says_nothing_whatever_was_kept() -> None:
    assert judged(ran(lag=0.11)).outcome is Outcome.INVALID


def test_rule_39_a_generator_that_did_not_send_the_rate_is_what_was_measured() -> None:
    seen = ran()
    for _ in range(30):
        seen.punctuality.drop(9.99)
    judgement = judged(seen)
    assert judgement.outcome is Outcome.INVALID
    assert judgement.invalid[0].startswith("generator-bound: it sent 97")


def test_rule_40_counts_that_disagree_make_a_good_run_invalid() -> None:
    assert judged(ran(), Compared("GetProduct", 1000, 0, 1000.0, Says.AGREE)).outcome is Outcome.MET
    assert judged(ran(), Compared("GetProduct", 1000, 0, 10.0, Says.UNKNOWN)).outcome is Outcome.MET
    wrong = judged(ran(), Compared("GetProduct", 1000, 0, 990.0, Says.DISAGREE))
    assert wrong.outcome is Outcome.INVALID
    assert "the counts disagree: GetProduct: the generator counts 1000, the servers 990" in wrong.invalid[0]
