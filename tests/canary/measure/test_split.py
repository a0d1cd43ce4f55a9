"""The observed split: enough requests, and the share that the weight promises."""

from __future__ import annotations

import random

import pytest

from mesh.canary.judge.counts import Counts
from mesh.canary.measure.difference import Delta
from mesh.canary.measure.split import Split, split_of


def delta(baseline: int, canary: int) -> Delta:
    return Delta(100.0, 1.0, {"v1": Counts(baseline), "v2": Counts(canary)})


@pytest.mark.parametrize("weight", [1, 5, 10, 25, 50, 90, 99])
def test_rule_32_an_honest_split_is_seen_and_the_one_before_the_first_write_is_not(weight: int) -> None:
    rarer = min(weight, 100 - weight)
    requests = -(-1000 // rarer)
    assert Split(round(requests * weight / 100), requests, weight).seen
    assert not Split(0, requests, weight).seen
    assert not Split(requests, requests, weight).seen


def test_honest_splits_are_rarely_missed() -> None:
    rng = random.Random(7)  # noqa: S311  # repeatable
    seen = sum(Split(sum(rng.random() < 0.25 for _ in range(200)), 200, 25).seen for _ in range(1000))
    assert seen >= 990


def test_few_requests_say_nothing() -> None:
    assert not Split(5, 100, 5).enough
    assert not Split(0, 0, 5).seen
    assert Split(0, 0, 5).share == 0.0


def test_all_or_nothing_has_to_be_exactly_that() -> None:
    assert Split(100, 100, 100).seen
    assert not Split(99, 100, 100).seen
    assert Split(0, 100, 0).seen
    assert not Split(1, 100, 0).seen


def test_only_the_last_requests_count() -> None:
    """Those from before the weight was in effect do not keep it from being seen."""
    before, after = [delta(100, 0)] * 10, [delta(75, 25)]
    assert split_of([*before, *after], "v1", "v2", 25) == Split(25, 100, 25)
    assert not split_of(before, "v1", "v2", 25).seen


def test_as_many_as_it_takes_are_put_together() -> None:
    assert split_of([delta(19, 1)] * 30, "v1", "v2", 5) == Split(10, 200, 5)
    assert split_of([], "v1", "v2", 5) == Split(0, 0, 5)
