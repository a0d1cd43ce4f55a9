# ruff: noqa: S311 - choices, not secrets

import math
from random import Random

import pytest

from loadtest.histogram import LARGEST, Histogram


def recorded(*seconds: float, digits: int = 3) -> Histogram:
    histogram = Histogram(digits)
    for each in seconds:
        histogram.record(each)
    return histogram


@pytest.mark.parametrize(("digits", "off"), [(3, 0.001), (2, 0.01)])
def test_a_quantile_is_right_to_as_many_digits_as_were_asked_for(digits: int, off: float) -> None:
    random = Random(1)
    values = sorted(random.lognormvariate(-4, 1) for _ in range(10_000))
    histogram = recorded(*values, digits=digits)
    for q in (0.01, 0.5, 0.9, 0.99, 1.0):
        assert histogram.quantile(q) == pytest.approx(values[math.ceil(q * len(values)) - 1], rel=off)


def test_no_call_has_no_latency() -> None:
    assert math.isnan(Histogram().quantile(0.5))
    assert (Histogram().count, Histogram().longest, Histogram().above(0)) == (0, 0.0, 0.0)


def test_what_is_too_short_or_too_long_to_tell_counts_all_the_same() -> None:
    histogram = recorded(0.0, -0.1, 10 * LARGEST)
    assert histogram.count == 3
    assert histogram.longest == pytest.approx(3600, rel=0.001)


def test_the_share_above_a_time_is_counted() -> None:
    assert recorded(*(number / 1000 for number in range(1, 101))).above(0.0751) == pytest.approx(0.25)


def test_histograms_add_up_and_travel_as_text() -> None:
    total = Histogram.decoded(recorded(0.1, 0.2).encoded())
    total.add(Histogram.decoded(recorded(0.3).encoded()))
    total.add(Histogram.decoded(Histogram().encoded()))
    assert total.count == 3
    assert total.longest == pytest.approx(0.3, rel=0.001)
    assert total.quantile(0.5) == pytest.approx(0.2, rel=0.001)
