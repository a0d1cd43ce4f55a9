from collections.abc import Mapping

import pytest

from mesh.canary.judge.counts import EMPTY
from mesh.canary.judge.error_evidence import NONE, e_value, logs
from mesh.canary.judge.latency_evidence import LEVELS, slow
from tests.canary.judge.traffic import THRICE, USUAL, block, counts, latency

HISTORY = latency(10_000)
SLOWER = 1.5
TAIL = len(LEVELS) - 1
STALLING: Mapping[float, float] = {5: 0.6, 10: 0.3, 25: 0.05, 50: 0.01, 100: 0.04}
"""The usual latencies, of which four in a hundred became much longer."""


def evidence(level: int, shares: Mapping[float, float] = USUAL) -> float:
    return e_value(logs(slow(block(counts(4500), counts(500, 0, shares)), HISTORY, SLOWER)[level]))


def test_without_a_history_of_the_baseline_nothing_is_slow() -> None:
    assert slow(block(counts(100), counts(100)), EMPTY, SLOWER) == (NONE,) * len(LEVELS)


@pytest.mark.parametrize("level", range(len(LEVELS)))
def test_the_same_latencies_are_no_evidence(level: int) -> None:
    assert evidence(level) < 1


@pytest.mark.parametrize("level", range(len(LEVELS)))
def test_three_times_slower_is_seen_at_every_level(level: int) -> None:
    assert evidence(level, THRICE) > 1e6


def test_a_longer_tail_is_seen_at_the_tail_only() -> None:
    assert evidence(0, STALLING) < 1
    assert evidence(TAIL, STALLING) > 1e3


def test_what_is_tolerated_is_no_evidence_and_without_tolerance_it_is() -> None:
    a_little_slower: Mapping[float, float] = {5: 0.3, 7.5: 0.4, 10: 0.2, 25: 0.09, 35: 0.01}
    assert all(evidence(level, a_little_slower) < 1 for level in range(len(LEVELS)))
    (median, *_) = slow(block(counts(4500), counts(500, 0, a_little_slower)), HISTORY, 1.0)
    assert e_value(logs(median)) > 1e3


def test_the_canary_is_allowed_what_the_quantile_means_even_when_the_baseline_has_none() -> None:
    quick: Mapping[float, float] = {5: 0.6, 10: 0.4}
    tail = slow(block(counts(900, 0, quick), counts(100)), HISTORY, SLOWER)[TAIL]
    assert tail.baseline == pytest.approx(9)


def test_when_both_become_slow_together_neither_is() -> None:
    both = block(counts(4500, 0, THRICE), counts(500, 0, THRICE))
    assert all(e_value(logs(bad)) < 1 for bad in slow(both, HISTORY, SLOWER))
