import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from mesh.canary.judge import burst_evidence, error_evidence
from mesh.canary.judge.error_evidence import NO_EVIDENCE, Bad, Logs, e_value

SHARES = some.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9])
ERRORS = some.integers(1, 40)


def bad(canary: float, baseline: float, share: float) -> Bad:
    return Bad(canary, round(1000 * share), baseline, round(1000 * (1 - share)))


def expected(share: float, errors: int, truly: float) -> float:
    """The e-value of one block on average, when an error is the canary's with the chance `truly`."""
    chances = [math.comb(errors, k) * truly**k * (1 - truly) ** (errors - k) for k in range(errors + 1)]
    values = [e_value(burst_evidence.logs(bad(k, errors - k, share))) for k in range(errors + 1)]
    return math.fsum(map(math.prod, zip(chances, values, strict=True)))


def after(block: Bad, times: int) -> Logs:
    return tuple(times * log for log in burst_evidence.logs(block))


def test_a_block_without_errors_says_nothing() -> None:
    assert burst_evidence.logs(bad(0, 0, 0.1)) == NO_EVIDENCE


def test_a_block_without_a_canary_says_nothing() -> None:
    assert burst_evidence.logs(Bad(0, 0, 5, 1000)) == NO_EVIDENCE


@given(share=some.sampled_from([0.05, 0.1, 0.25, 0.5]))
def test_a_block_with_one_error_says_as_much_as_that_error(share: float) -> None:
    for one in (bad(1, 0, share), bad(0, 1, share)):
        assert burst_evidence.logs(one) == pytest.approx(error_evidence.logs(one), abs=1e-6)


@given(share=SHARES, errors=ERRORS)
def test_a_canary_that_is_no_worse_gains_nothing_on_average(share: float, errors: int) -> None:
    assert expected(share, errors, share) <= 1 + 1e-6


@given(share=SHARES, errors=some.integers(4, 40))
def test_nor_when_bursts_double_or_halve_the_odds_of_either(share: float, errors: int) -> None:
    odds = share / (1 - share)
    doubled, halved = 2 * odds / (1 + 2 * odds), odds / (2 + odds)
    if share * errors >= 1:  # with fewer it is single errors that count, and one error is no burst
        assert (expected(share, errors, doubled) + expected(share, errors, halved)) / 2 <= 1.05


@given(share=SHARES, errors=ERRORS, canary=some.integers(0, 40))
@example(share=0.03, errors=23, canary=1)  # a slightly worse canary gets two errors less often than a burst gives them
def test_one_more_error_of_the_canary_never_speaks_for_it(share: float, errors: int, canary: int) -> None:
    canary = min(canary, errors - 1)
    before, worse = (burst_evidence.logs(bad(k, errors - k, share)) for k in (canary, canary + 1))
    assert all(after >= log for log, after in zip(before, worse, strict=True))


def test_more_than_half_of_three_errors_are_more_than_an_equal_split_explains() -> None:
    assert e_value(burst_evidence.logs(bad(2, 1, 0.5))) > 1 > e_value(burst_evidence.logs(bad(1, 2, 0.5)))


def test_a_burst_of_a_hundred_errors_wins_a_factor_of_about_two() -> None:
    burst = bad(100, 0, 0.5)
    assert e_value(error_evidence.logs(burst)) >= 1e6
    assert e_value(burst_evidence.logs(burst)) < 2.2


def test_a_canary_that_is_worse_in_block_after_block_is_found() -> None:
    worse = bad(20, 4, 0.5)
    assert e_value(after(worse, 3)) < 100 <= e_value(after(worse, 9))


def test_many_errors_are_counted_without_overflow() -> None:
    assert all(map(math.isfinite, burst_evidence.logs(bad(4000, 4000, 0.5))))
    assert all(map(math.isfinite, burst_evidence.logs(bad(4000, 0, 0.05))))
