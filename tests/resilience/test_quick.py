"""What a quick answer takes is learned from enough answers, and never believed for ever."""

from __future__ import annotations

from random import Random

import pytest

from mesh.resilience.quick import Quick


def learned(*seconds: float) -> Quick:
    quick = Quick()
    for each in seconds:
        quick.answered(each, trial=False)
    return quick


def test_nothing_is_known_until_fifty_answers_are() -> None:
    assert learned(*[1.0] * 49).seconds == 0.0
    assert learned(*[1.0] * 50).seconds == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_about_a_tenth_of_the_answers_are_quicker(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a simulation
    quick = learned(*[random.lognormvariate(-4, 0.7) for _ in range(5000)])
    below = []
    for _ in range(5000):
        seconds = random.lognormvariate(-4, 0.7)
        below.append(seconds < quick.seconds)
        quick.answered(seconds, trial=False)
    assert 0.05 < sum(below) / len(below) < 0.15


def test_a_slow_first_answer_is_soon_forgotten() -> None:
    assert learned(3.0, *[0.01] * 60).seconds < 0.02


def test_one_in_sixteen_that_seem_too_late_is_let_in() -> None:
    quick = Quick()
    assert [quick.trial() for _ in range(32)] == 2 * (15 * [False] + [True])


def test_a_trial_that_was_quicker_ends_an_estimate_that_was_too_high() -> None:
    quick = learned(*[5.0] * 60)
    quick.answered(0.2, trial=True)
    assert quick.seconds == 0.2


def test_a_trial_that_was_as_slow_changes_little() -> None:
    quick = learned(*[5.0] * 60)
    quick.answered(6.0, trial=True)
    assert quick.seconds == pytest.approx(5.0, rel=0.1)


def test_it_begins_with_the_first_answer() -> None:
    quick = Quick()
    quick.answered(1.0, trial=False)
    for _ in range(49):
        quick.answered(5.0, trial=False)
    assert quick.seconds < 2.0


def test_a_call_cut_short_moves_it_up_like_an_answer_that_took_longer() -> None:
    quick = Quick()
    for _ in range(50):
        quick.answered(0.01, trial=False)
    before = quick.seconds
    quick.cut_short(before / 2)
    assert quick.seconds == before
    quick.cut_short(before * 2)
    assert quick.seconds == before * 1.01
