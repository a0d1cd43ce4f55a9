from hypothesis import given
from hypothesis import strategies as st

from mesh.resilience.rolling import RollingCount


def test_counts_until_the_span_has_passed() -> None:
    count = RollingCount(10.0)
    count.add(100.0)
    count.add(105.0)
    assert count.total(109.0) == 2
    assert count.total(112.0) == 1
    assert count.total(116.0) == 0


def test_a_long_silence_forgets_everything_at_once() -> None:
    count = RollingCount(10.0)
    for _ in range(50):
        count.add(3.0)
    assert count.total(1e9) == 0


def test_asking_changes_nothing() -> None:
    count = RollingCount(10.0)
    count.add(100.0)
    assert count.total(1e9) == 0
    assert count.total(100.0) == 1  # another thread asked about its own now


def test_cleared_is_empty() -> None:
    count = RollingCount(10.0)
    count.add(1.0)
    count.clear()
    assert count.total(1.0) == 0
    count.add(1.1)
    assert count.total(1.2) == 1


@given(st.lists(st.floats(min_value=0.0, max_value=4.0), max_size=60), st.floats(min_value=0.1, max_value=30.0))
def test_is_exact_to_one_bucket(gaps: list[float], span: float) -> None:
    count, now, added = RollingCount(span, buckets=20), 0.0, list[float]()
    for gap in gaps:
        now += gap
        count.add(now)
        added.append(now)
        # a hair of slack: the bucket an instant falls in is decided by one multiplication
        surely = sum(1 for at in added if at > now - span * 19 / 20 * (1 - 1e-9))
        possibly = sum(1 for at in added if at >= now - span * (1 + 1e-9))
        assert surely <= count.total(now) <= possibly


def test_what_is_as_old_as_the_span_is_forgotten_however_lately_something_was_added() -> None:
    count = RollingCount(20.0)  # of a second each
    count.add(0.5)
    count.add(19.5)
    assert count.total(19.9) == 2
    assert count.total(20.5) == 1
