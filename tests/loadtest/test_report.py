import pytest
from grpc import StatusCode

from loadtest.outcome import Kind, Outcome
from loadtest.report import NothingMeasured, Report, Sample

GOOD = Outcome(StatusCode.OK, Kind.OK, pod="catalog-v1-a", version="v1")
CANARY = Outcome(StatusCode.OK, Kind.OK, pod="catalog-v2-b", version="v2")
DOWN = Outcome(StatusCode.UNAVAILABLE, Kind.UNAVAILABLE)
DECLINED = Outcome(StatusCode.FAILED_PRECONDITION, Kind.EXPECTED, reason="CARD_DECLINED")


def report_of(*outcomes: Outcome, latency: float = 0.01) -> Report:
    """One call per second."""
    return Report(1.0, tuple(Sample(n, n, n, n + latency, outcome) for n, outcome in enumerate(outcomes)))


def test_calls_are_counted_by_code_version_and_pod() -> None:
    report = report_of(GOOD, GOOD, CANARY, DOWN, DECLINED)
    assert report.codes == {"OK": 3, "UNAVAILABLE": 1, "FAILED_PRECONDITION": 1}
    assert report.versions == {"v1": 2, "v2": 1, "": 2}
    assert report.pods == {"catalog-v1-a": 2, "catalog-v2-b": 1, "": 2}


def test_a_deserved_refusal_is_no_failure() -> None:
    assert report_of(DECLINED, GOOD).failures == ()
    assert [sample.number for sample in report_of(GOOD, DOWN).failures] == [1]


@pytest.mark.parametrize(("q", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_quantile_is_the_smallest_value_that_enough_calls_did_not_exceed(q: float, expected: float) -> None:
    report = Report(1.0, tuple(Sample(n, 0.0, 0.0, float(n), GOOD) for n in range(1, 101)))
    assert report.quantile(q) == expected


def test_a_run_without_calls_answers_no_question_about_latency_or_rate() -> None:
    nothing = Report(10.0, ())
    with pytest.raises(NothingMeasured):
        nothing.quantile(0.5)
    with pytest.raises(NothingMeasured):
        _ = nothing.achieved_rate
    with pytest.raises(NothingMeasured):
        _ = nothing.saturated


def test_recovery_is_the_time_from_the_fault_to_the_last_failed_call() -> None:
    report = report_of(DOWN, GOOD, GOOD, DOWN, GOOD, DOWN, GOOD, GOOD)
    assert report.recovery(2.5) == 2.5
    assert report.recovery(5.5) == 0.0


def test_a_phase_is_what_was_due_in_it() -> None:
    phase = report_of(DOWN, GOOD, DOWN, GOOD).between(1, 3)
    assert [sample.number for sample in phase.samples] == [1, 2]
    assert len(phase.failures) == 1


def test_a_generator_that_sends_less_than_asked_is_saturated() -> None:
    samples = tuple(Sample(n, n / 100, n / 90, n / 90 + 0.001, GOOD) for n in range(1000))
    assert Report(100.0, samples).saturated
    assert not Report(100.0, tuple(Sample(n, n / 100, n / 100, n / 100, GOOD) for n in range(1000))).saturated
