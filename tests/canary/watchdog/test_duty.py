from __future__ import annotations

from typing import Any

import pytest

from mesh.canary.journal.entry import Kind
from mesh.canary.journal.state import fold
from mesh.canary.plan import Plan
from mesh.canary.watchdog.duty import Decision, Duty, decide
from tests.canary.look.story import ANNA, Story, promoted, rolled_back

AT_5, AT_10, AT_25, ALL_BACK, PROMOTED = ({"v1": 100 - weight, "v2": weight} for weight in (5, 10, 25, 0, 100))


def at_25() -> Story:
    """A run whose journal says 25 %."""
    return Story().started().wrote("header", ALL_BACK).shifted(0, 5).shifted(1, 25)


def holding(weight: int) -> Story:
    """A run whose plan leaves up to 10 % unattended, at this weight."""
    plan = Plan(on_death="hold", unattended_max=10).model_dump(mode="json")
    return Story().started(plan=plan).shifted(0, weight)


def intending(story: Story, action: str, before: dict[str, int], after: dict[str, int]) -> Story:
    """Killed between the intent and the word that it was applied."""
    facts: dict[str, Any] = {"from": before, "to": after, "reason": "no worse"}
    return story.add(Kind.INTENT, step=2, action=action, resource_version="7", **facts)


def decision(story: Story, live: dict[str, int]) -> Decision:
    return decide(fold(story.entries), live)


def test_a_run_whose_runner_has_died_is_rolled_back_and_the_reason_says_who_it_was() -> None:
    assert decision(at_25(), AT_25) == Decision(Duty.ROLL_BACK, f"its runner, {ANNA}, has died at 25 %")


@pytest.mark.parametrize(
    "story",
    [
        promoted(),
        rolled_back(),
        at_25().add(Kind.PAUSED, reason="lunch"),
        at_25().ended("inconclusive", "too little traffic", 11),
    ],
)
def test_a_run_that_has_ended_or_was_paused_is_left_as_it_is(story: Story) -> None:
    assert decision(story, AT_25).duty is Duty.NOTHING


def test_a_run_that_was_resumed_is_attended_again() -> None:
    story = at_25().add(Kind.PAUSED, reason="lunch").add(Kind.RESUMED, unattended=False)
    assert decision(story, AT_25).duty is Duty.ROLL_BACK


@pytest.mark.parametrize("live", [AT_5, AT_25])
def test_killed_at_a_write_it_is_rolled_back_whether_it_happened_or_not(live: dict[str, int]) -> None:
    story = intending(Story().started().shifted(0, 5), "shift", AT_5, AT_25)
    assert decision(story, live).duty is Duty.ROLL_BACK


@pytest.mark.parametrize("live", [AT_25, ALL_BACK])
def test_a_rollback_that_had_begun_is_brought_to_its_end(live: dict[str, int]) -> None:
    story = intending(at_25(), "rollback", AT_25, ALL_BACK)
    assert decision(story, live).duty is Duty.ROLL_BACK


def test_a_promotion_that_is_in_the_route_stays() -> None:
    assert decision(intending(at_25(), "promote", AT_25, PROMOTED), PROMOTED).duty is Duty.END


def test_a_promotion_that_is_not_in_the_route_is_not_put_there() -> None:
    assert decision(intending(at_25(), "promote", AT_25, PROMOTED), AT_25).duty is Duty.ROLL_BACK


@pytest.mark.parametrize("live", [AT_10, PROMOTED, {"v1": 75, "v2": 20, "v3": 5}])
def test_weights_that_somebody_else_has_set_are_not_overwritten(live: dict[str, int]) -> None:
    assert decision(at_25(), live).duty is Duty.END


def test_a_version_without_a_weight_and_one_with_weight_0_are_the_same() -> None:
    assert decision(at_25(), {**AT_25, "v3": 0}).duty is Duty.ROLL_BACK
    assert decision(Story().started(), {"v1": 100}).duty is Duty.ROLL_BACK


def test_a_plan_may_hold_what_may_be_unattended() -> None:
    assert decision(holding(10), AT_10) == Decision(Duty.HOLD, f"its runner, {ANNA}, has died; 10 % may be unattended")
    assert decision(holding(25), AT_25).duty is Duty.ROLL_BACK


def test_a_plan_does_not_hold_a_rollback_that_had_begun() -> None:
    assert decision(intending(holding(10), "rollback", AT_10, ALL_BACK), AT_10).duty is Duty.ROLL_BACK
