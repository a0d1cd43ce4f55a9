from __future__ import annotations

import pytest

from mesh.chaos.run.burning import burned
from tests.chaos.run.watched import Watched


@pytest.mark.parametrize(
    ("failed", "above", "stops"), [(0, 0.0, False), (3, 0.1, False), (4, 0.1, True), (30, 1.0, False)]
)
def test_a_run_is_ended_when_a_larger_share_fails_than_may(failed: int, above: float, *, stops: bool) -> None:
    assert bool(burned(Watched(failed), above)) is stops


def test_it_says_how_many_failed() -> None:
    assert burned(Watched(15), 0.25) == "15 of 30 calls of the last 3 s failed, and no more than 25% may"


def test_few_calls_say_nothing() -> None:
    assert burned(Watched(30, streams=()), 0.0) == ""
