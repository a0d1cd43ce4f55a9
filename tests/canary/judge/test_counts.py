import math

import pytest

from mesh.canary.judge.counts import BOUNDS, EMPTY, Counts, Histogram
from tests.canary.judge.traffic import counts, latency

ENVOYS_OWN = (0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000)


def test_every_bound_envoy_has_by_itself_is_one_of_ours() -> None:
    assert set(ENVOYS_OWN) <= set(BOUNDS)


def test_cumulative_buckets_become_counts_and_the_rest_is_above_all_bounds() -> None:
    histogram = Histogram.of_cumulative({1.0: 3, 5.0: 10, math.inf: 12})
    assert histogram.total == 12
    assert histogram.above(1.0) == 9
    assert histogram.above(5.0) == 2
    assert histogram.above(BOUNDS[-1]) == 2


def test_a_bound_that_is_not_ours_counts_as_the_next_above() -> None:
    assert Histogram.of_cumulative({6.0: 4}) == Histogram.of_cumulative({7.5: 4})


def test_a_quantile_lies_in_its_bucket_as_if_evenly_spread() -> None:
    histogram = Histogram.of_cumulative({5.0: 0, 7.5: 100})
    assert histogram.quantile(0.5) == pytest.approx(6.25)
    assert histogram.quantile(1.0) == 7.5


def test_a_quantile_of_nothing_is_zero_and_above_all_bounds_it_is_the_last() -> None:
    assert EMPTY.quantile(0.99) == 0.0
    assert Histogram.of_cumulative({math.inf: 1}).quantile(0.5) == BOUNDS[-1]


def test_counts_that_fall_are_refused() -> None:
    with pytest.raises(ValueError, match="none below 0"):
        Histogram.of_cumulative({1.0: 5, 5.0: 3})


def test_counts_add_up_with_their_statuses_and_latencies() -> None:
    both = counts(100, 2) + counts(50)
    assert both == Counts(150, 2, {"OK": 148, "UNAVAILABLE": 2}, latency(100) + latency(50))
