import math

import pytest

from mesh.canary.forecast import StepForecast, Traffic, forecast, total, warnings
from mesh.canary.plan import Plan

PLAN = Plan()


def at(per_second: float, error_ratio: float = 0.0, plan: Plan = PLAN) -> tuple[StepForecast, ...]:
    return forecast(plan, Traffic(per_second, error_ratio))


def told(per_second: float, error_ratio: float = 0.0) -> list[str]:
    return list(warnings(PLAN, Traffic(per_second, error_ratio), at(per_second, error_ratio)))


@pytest.mark.parametrize(("per_second", "minutes"), [(20, 5), (50, 3), (100, 1.5), (200, 1.5)])
def test_the_default_plan_suits_the_traffic_of_the_shop(per_second: float, minutes: float) -> None:
    seconds = total(at(per_second))
    assert seconds is not None
    assert seconds <= minutes * 60
    assert not told(per_second)


def test_less_traffic_takes_longer_and_sees_less() -> None:
    few, many = at(20), at(100)
    assert [one.weight for one in few] == [one.weight for one in many]
    assert (total(few) or 0) > (total(many) or 0)
    assert few[0].visible > many[0].visible


def test_errors_of_the_baseline_make_equality_harder_to_show() -> None:
    assert (total(at(100, 0.005)) or 0) > 2 * (total(at(100)) or 0)


def test_later_steps_see_smaller_differences() -> None:
    visible = [one.visible for one in at(100, 0.002)]
    assert visible == sorted(visible, reverse=True)
    assert visible[0] > 0.002


def test_the_samples_of_a_step_are_its_share_of_its_time() -> None:
    first = at(100)[0]
    assert first.seconds is not None
    judged = first.seconds - PLAN.warm_up * PLAN.block
    assert (first.canary, first.baseline) == (judged * 10, judged * 90)


def test_promotion_rests_on_the_requests_of_all_steps() -> None:
    canary = [one.canary for one in at(20)]
    needed = math.log(100) / PLAN.rules.excess_errors
    assert canary[-1] < needed <= sum(canary)


def test_a_step_that_would_pause_is_warned_of_with_its_reason() -> None:
    assert total(at(2, 0.01)) is None
    assert [warning.split(":")[0] for warning in told(2, 0.01)] == ["step 50 %"]


def test_a_long_release_is_warned_of() -> None:
    plan = Plan.model_validate({"steps": [{"weight": 10, "max_wait": 36_000}]})
    traffic = Traffic(5, 0.0)
    assert list(warnings(plan, traffic, forecast(plan, traffic))) == [
        "at 5 requests/s the release takes about 62 min",
    ]


def test_without_traffic_nothing_can_be_judged() -> None:
    assert told(0) == ["there is no traffic: nothing can be judged, every step would pause"]
    assert all(one.seconds is None for one in at(0))
