# ruff: noqa: S311 - choices, not secrets

import json
import math
from pathlib import Path
from random import Random

import pytest

from loadtest.outcome import Kind
from loadtest.tally import Histogram, Tally, load_tallies


def test_a_histogram_is_right_within_one_percent() -> None:
    random = Random(1)
    values = sorted(random.lognormvariate(-4, 1) for _ in range(10_000))
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    for q in (0.01, 0.5, 0.9, 0.99, 1.0):
        assert histogram.quantile(q) == pytest.approx(values[math.ceil(q * len(values)) - 1], rel=0.0101)


def test_a_histogram_does_not_grow_with_the_number_of_calls() -> None:
    histogram = Histogram()
    for number in range(100_000):
        histogram.record(0.0001 + number / 100_000)
    assert len(histogram.buckets) < 500


def test_the_longest_duration_is_exact_and_no_quantile_exceeds_it() -> None:
    histogram = Histogram()
    histogram.record(1.2345)
    assert histogram.longest == 1.2345
    assert histogram.quantile(1.0) <= 1.2345


def test_no_call_has_no_latency() -> None:
    assert math.isnan(Histogram().quantile(0.5))


def test_tallies_of_several_processes_add_up(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tally = Tally()
        tally.record("GetProduct", "OK", Kind.OK, 0.002)
        tally.record("GetProduct", "UNAVAILABLE", Kind.UNAVAILABLE, 1.0)
        tally.errors["ValueError: x"] += 1
        tally.cut_off = 2
        (tmp_path / f"{name}.json").write_text(json.dumps(tally.to_json()))
    total = load_tallies(tmp_path.glob("*.json"))
    assert (total.calls, total.cut_off, total.errors) == (4, 4, {"ValueError: x": 2})
    assert total.count(Kind.UNAVAILABLE, rpc="GetProduct") == 2
    assert total.latency("GetProduct").longest == 1.0
