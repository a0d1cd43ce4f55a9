from __future__ import annotations

from mesh.local.node.probe_schedule import ProbeSchedule, Thresholds


def asked_until(schedule: ProbeSchedule, until: float, *, answer: bool) -> list[float]:
    """When the schedule asks up to `until`, if each answer is `answer`."""
    times = []
    while schedule.next_at <= until:
        times.append(schedule.next_at)
        schedule.learn(success=answer, now=schedule.next_at)
    return times


def test_the_first_success_is_looked_for_eagerly() -> None:
    schedule = ProbeSchedule(Thresholds(period=1), eager=True, passing=False)
    assert len(asked_until(schedule, 1.0, answer=False)) > 8
    schedule.learn(success=True, now=1.0)
    assert schedule.passing
    assert schedule.next_at == 2.0


def test_eager_tries_cannot_fail_a_container_sooner_than_a_cluster_would() -> None:
    schedule = ProbeSchedule(Thresholds(period=1, failures=3), eager=True, passing=False)
    asked_until(schedule, 2.9, answer=False)
    assert not schedule.given_up
    asked_until(schedule, 4.5, answer=False)
    assert schedule.given_up


def test_nothing_is_asked_before_the_initial_delay() -> None:
    assert ProbeSchedule(Thresholds(initial_delay=5), eager=True, passing=False).next_at == 5
    assert ProbeSchedule(Thresholds(initial_delay=5), eager=False, passing=True).next_at == 5


def test_liveness_is_asked_once_a_period() -> None:
    schedule = ProbeSchedule(Thresholds(period=5, failures=4), eager=False, passing=True)
    assert asked_until(schedule, 20, answer=True) == [5, 10, 15, 20]


def test_only_failures_in_a_row_count() -> None:
    schedule = ProbeSchedule(Thresholds(period=1, failures=2), eager=False, passing=True)
    for now, success in enumerate([False, True, False, True, False]):
        schedule.learn(success=success, now=float(now))
        assert schedule.passing
    schedule.learn(success=False, now=5.0)
    assert not schedule.passing


def test_a_success_threshold_asks_for_several_successes() -> None:
    schedule = ProbeSchedule(Thresholds(period=1, successes=2), eager=False, passing=False)
    schedule.learn(success=True, now=0.0)
    assert not schedule.passing
    schedule.learn(success=True, now=1.0)
    assert schedule.passing


def test_a_failure_between_periods_is_no_event() -> None:
    schedule = ProbeSchedule(Thresholds(period=1), eager=True, passing=False)
    assert [schedule.learn(success=False, now=now) for now in (0.0, 0.5, 1.0, 1.5, 2.0)] == [
        False,
        False,
        True,
        False,
        True,
    ]
