import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mesh.canary.judge.error_evidence import MOST, NO_EVIDENCE, RATIOS, Bad, e_value, equality, logs

SHARES = some.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9])


def bad(canary: float, baseline: float, share: float) -> Bad:
    return Bad(canary, round(1000 * share), baseline, round(1000 * (1 - share)))


def first_enough(share: float, alpha: float = 0.01) -> int:
    """How many errors of the canary alone, none of the baseline, are enough."""
    return next(errors for errors in range(1, 100) if e_value(logs(bad(errors, 0, share))) >= 1 / alpha)


def test_without_errors_nothing_is_known() -> None:
    assert logs(bad(0, 0, 0.1)) == pytest.approx(NO_EVIDENCE)
    assert e_value(NO_EVIDENCE) == 1


@pytest.mark.parametrize(("share", "errors"), [(0.05, 3), (0.1, 4), (0.25, 5), (0.5, 9)])
def test_few_errors_are_enough_when_the_baseline_has_none(share: float, errors: int) -> None:
    assert first_enough(share) == errors


@given(share=SHARES, errors=some.integers(1, 15))
def test_a_canary_that_is_no_worse_has_an_e_value_of_one_on_average(share: float, errors: int) -> None:
    chances = [math.comb(errors, k) * share**k * (1 - share) ** (errors - k) for k in range(errors + 1)]
    values = [e_value(logs(bad(k, errors - k, share))) for k in range(errors + 1)]
    average = math.fsum(map(math.prod, zip(chances, values, strict=True)))
    assert 0.99 < average < 1 + 1e-9  # values are cut off at MOST


@given(share=SHARES, canary=some.integers(0, 50), baseline=some.integers(0, 50))
def test_one_more_error_of_the_canary_never_speaks_for_it(share: float, canary: int, baseline: int) -> None:
    assert all(
        worse >= before
        for worse, before in zip(
            logs(bad(canary + 1, baseline, share)), logs(bad(canary, baseline, share)), strict=True
        )
    )


def test_an_outage_of_both_versions_cancels_out() -> None:
    assert e_value(logs(bad(100, 900, 0.1))) < 1


def test_a_ratio_has_the_evidence_of_its_own_likelihood() -> None:
    share, r = 0.25, RATIOS[4]
    theirs = r * share / (1 - share + r * share)
    expected = 3 * math.log(theirs / share) + 2 * math.log((1 - theirs) / (1 - share))
    assert logs(bad(3, 2, share))[4] == pytest.approx(expected)


def test_an_e_value_stays_a_number_however_clear_the_case() -> None:
    assert e_value(logs(bad(100_000, 0, 0.01))) == pytest.approx(MOST)


def test_without_an_error_equality_is_the_rule_of_three() -> None:
    # exp(-0.01 n) = 0.05: no error in 300 requests proves less than 1 %, with 95 %.
    assert equality([Bad(0, 299, 0, 10_000)], 0.01) < 20 < equality([Bad(0, 300, 0, 10_000)], 0.01)


def test_equality_needs_more_requests_when_there_are_errors() -> None:
    calm, usual = Bad(0, 2000, 0, 2000), Bad(10, 2000, 10, 2000)
    assert equality([calm], 0.0025) > 100 > equality([usual], 0.0025)
    assert equality([usual] * 6, 0.0025) > 100


def test_a_canary_with_the_excess_is_not_called_equal() -> None:
    assert equality([Bad(200, 20_000, 100, 20_000)], 0.005) < 0.01


def test_a_step_is_compared_with_the_baseline_of_its_own_time() -> None:
    # An incident under the first step, when the canary had few requests, says nothing about the second.
    incident, calm = Bad(20, 100, 180, 900), Bad(5, 1000, 5, 1000)
    apart, together = equality([incident, calm], 0.02), equality([incident + calm], 0.02)
    assert apart != pytest.approx(together, rel=0.5)
