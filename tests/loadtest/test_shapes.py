"""How many users come when, and when has a shop broken?"""

import pytest

from loadtest.shapes import Course, Seen, Shape


def course(shape: Shape) -> list[int]:
    """The users of every tenth second of a hundred."""
    asked = (Course(shape, 50, 5.0, 100.0).at(elapsed) for elapsed in range(0, 100, 10))
    return [each[0] for each in asked if each]


@pytest.mark.parametrize(
    ("shape", "users"),
    [
        (Shape.STEADY, [50] * 10),
        (Shape.SOAK, [50] * 10),
        (Shape.RAMP, [1, 5, 10, 15, 20, 25, 30, 35, 40, 45]),
        (Shape.SPIKE, [10, 10, 10, 10, 50, 50, 50, 10, 10, 10]),
        (Shape.BREAKPOINT, [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]),
    ],
)
def test_each_shape_has_its_course(shape: Shape, users: list[int]) -> None:
    assert course(shape) == users


@pytest.mark.parametrize("shape", Shape)
def test_every_shape_ends(shape: Shape) -> None:
    assert Course(shape, 50, 5.0, 100.0).at(100.0) is None


@pytest.mark.parametrize("shape", [Shape.RAMP, Shape.SPIKE, Shape.BREAKPOINT])
def test_users_are_started_as_fast_as_the_shape_needs_them(shape: Shape) -> None:
    given = Course(shape, 1000, 0.1, 100.0).at(50.0)
    assert given
    assert given[1] >= 10  # a second, or the spike would come when it is over


@pytest.mark.parametrize(
    ("seen", "broken"),
    [
        (Seen(100, 5, {20: 100}), False),
        (Seen(100, 6, {20: 100}), True),
        (Seen(100, 0, {20: 95, 1200: 5}), False),
        (Seen(100, 0, {20: 94, 1200: 6}), True),
        (Seen(0, 0, {}), False),
    ],
)
def test_a_shop_is_broken_when_too_many_calls_fail_or_are_slow(seen: Seen, broken: bool) -> None:
    assert seen.broken is broken


def test_what_happened_before_a_step_does_not_count() -> None:
    before, after = Seen(100, 100, {2000: 100}), Seen(200, 100, {2000: 100, 20: 100})
    assert after.broken
    assert not after.since(before).broken
