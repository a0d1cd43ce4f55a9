import pytest

from mesh.canary.judge.error_evidence import Bad
from mesh.canary.judge.kill_switch import tripped
from mesh.canary.plan import KillSwitch

SWITCH = KillSwitch(errors=20, times=5)


@pytest.mark.parametrize(
    ("errors", "trips"),
    [
        (Bad(20, 100, 0, 900), True),
        (Bad(19, 100, 0, 900), False),
        (Bad(20, 100, 50, 900), False),
        (Bad(50, 100, 90, 1000), True),
        (Bad(20, 1000, 4, 1000), False),
        (Bad(0, 0, 0, 0), False),
    ],
    ids=["twenty", "too few", "an incident of both", "five times", "not quite five times", "nothing"],
)
def test_it_trips_on_enough_errors_that_the_baseline_does_not_have(errors: Bad, *, trips: bool) -> None:
    assert tripped([errors], SWITCH) is trips


def test_an_incident_of_both_under_a_later_step_is_none_of_the_canarys() -> None:
    calm, incident = Bad(0, 1000, 0, 19_000), Bad(300, 1000, 300, 1000)
    assert not tripped([calm, incident], SWITCH)
    assert tripped([calm + incident], SWITCH)  # as one sum it would look like five times the baseline's ratio


def test_a_burst_at_the_beginning_of_a_step_is_no_disaster_after_a_calm_step() -> None:
    before, burst = Bad(20, 4000, 180, 36_000), Bad(25, 1000, 1, 1000)
    assert tripped([burst], SWITCH)
    assert not tripped([before, burst], SWITCH)
