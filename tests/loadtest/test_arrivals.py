import math
from collections import Counter
from itertools import islice, pairwise
from statistics import mean, pstdev

import pytest

from loadtest.arrivals import constant, poisson


def test_constant_arrivals_are_even() -> None:
    assert list(islice(constant(4)(), 5)) == [0, 0.25, 0.5, 0.75, 1.0]


def test_poisson_arrivals_grow_and_have_the_rate_asked_for() -> None:
    moments = list(islice(poisson(50, seed=1)(), 20_000))
    assert moments == sorted(moments)
    assert 20_000 / moments[-1] == pytest.approx(50, rel=0.03)


def test_poisson_arrivals_are_independent() -> None:
    """The gaps are exponential, and the number that comes within a second spreads by its root."""
    moments = list(islice(poisson(50, seed=2)(), 50_000))
    gaps = [later - sooner for sooner, later in pairwise(moments)]
    assert pstdev(gaps) == pytest.approx(mean(gaps), rel=0.05)
    within = Counter(int(moment) for moment in moments)
    assert pstdev(within.values()) == pytest.approx(math.sqrt(50), rel=0.1)


def test_the_same_seed_means_the_same_moments() -> None:
    first, again, other = (list(islice(poisson(10, seed=seed)(), 100)) for seed in ("7/0", "7/0", "7/1"))
    assert first == again
    assert first != other


def test_arrivals_begin_anew_each_time() -> None:
    arrivals = poisson(10, seed=1)
    assert list(islice(arrivals(), 5)) == list(islice(arrivals(), 5))


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        constant(rate)
    with pytest.raises(ValueError, match="positive"):
        poisson(rate, seed=1)
