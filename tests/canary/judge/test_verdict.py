import dataclasses
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mesh.canary.judge.counts import EMPTY, Block
from mesh.canary.judge.verdict import Outcome, judge, wilson
from mesh.canary.plan import Plan, Rules, Step
from tests.canary.judge.traffic import THRICE, block, counts, refusing

RULES = Rules()
FIRST, MIDDLE, LAST = Plan().steps
GOOD = block(counts(450), counts(50))


def outcome(blocks: list[Block], step: Step = FIRST, rules: Rules = RULES) -> Outcome:
    return judge(blocks, rules, step).outcome


def test_no_blocks_are_not_enough() -> None:
    assert outcome([]) is Outcome.NOT_ENOUGH


def test_blocks_without_a_request_are_not_enough_however_many() -> None:
    assert outcome([block(counts(0), counts(0))] * 1000) is Outcome.NOT_ENOUGH


def test_rule_30_a_canary_without_requests_is_not_enough_however_good_the_baseline() -> None:
    assert outcome([block(counts(500), counts(0))] * 1000) is Outcome.NOT_ENOUGH


def test_a_good_canary_is_equal_after_the_minimum_of_time_and_not_before() -> None:
    assert outcome([GOOD]) is Outcome.NOT_ENOUGH
    assert outcome([GOOD] * 2) is Outcome.BETTER_OR_EQUAL


def test_ten_requests_are_never_promoted() -> None:
    lenient = Rules(minimum_samples=1, excess_errors=0.05, excess_refused=0.05, excess_slow=0.05)
    last = LAST.model_copy(update={"at_least": 0})
    assert outcome([block(counts(5), counts(5))] * 2, last, lenient) is Outcome.NOT_ENOUGH


def test_promotion_takes_more_proof_than_the_steps_before() -> None:
    blocks = [GOOD] * 6
    assert outcome(blocks, MIDDLE) is Outcome.BETTER_OR_EQUAL
    assert outcome(blocks, LAST) is Outcome.NOT_ENOUGH
    assert outcome([GOOD] * 50, LAST) is Outcome.BETTER_OR_EQUAL


def test_the_minimum_of_samples_is_asked_of_each_step() -> None:
    fewer = block(counts(20), counts(20), step=1)
    assert outcome([*[GOOD] * 50, fewer, fewer], MIDDLE.model_copy(update={"at_least": 0})) is Outcome.NOT_ENOUGH


def test_a_step_whose_latencies_nobody_has_seen_is_not_left() -> None:
    untimed = block(replace(counts(450), latency=EMPTY), replace(counts(50), latency=EMPTY), step=1)
    verdict = judge([*[GOOD] * 50, *[untimed] * 10], RULES, MIDDLE)
    assert verdict.outcome is Outcome.NOT_ENOUGH
    assert verdict.reason == "0 of 50 latencies"


def test_tenfold_errors_are_worse() -> None:
    verdict = judge([block(counts(450, 2), counts(50, 2))] * 6, RULES, FIRST)
    assert verdict.outcome is Outcome.WORSE
    assert not verdict.kill
    assert verdict.reason.startswith("more errors: e-value ")


def test_a_latency_only_regression_is_worse() -> None:
    verdict = judge([GOOD, *[block(counts(450), counts(50, 0, THRICE))] * 8], RULES, FIRST)
    assert verdict.outcome is Outcome.WORSE
    assert verdict.reason.startswith("slower: e-value ")


def test_a_canary_that_knows_nothing_of_what_it_is_asked_never_leaves_the_first_step_and_is_worse() -> None:
    """Refusals are no errors: looked at alone, 50 times NOT_FOUND was a good answer."""
    ignorant = block(counts(450), refusing(50, of=50))
    outcomes = [outcome([ignorant] * n) for n in range(1, 20)]
    assert Outcome.BETTER_OR_EQUAL not in outcomes
    assert outcomes[-1] is Outcome.WORSE
    assert judge([ignorant] * 19, RULES, FIRST).reason.startswith("more refusals: e-value ")


def test_callers_who_ask_both_versions_for_what_is_not_there_say_nothing_against_either() -> None:
    alike = block(refusing(90, of=450), refusing(10, of=50))
    assert [outcome([alike] * n) for n in (2, 50)] == [Outcome.NOT_ENOUGH, Outcome.BETTER_OR_EQUAL]


def test_a_canary_that_refuses_less_is_not_worse() -> None:
    assert outcome([block(refusing(90, of=450), refusing(1, of=50))] * 50) is Outcome.BETTER_OR_EQUAL


def test_an_outage_of_both_versions_is_neither_worse_nor_equal() -> None:
    outage = block(counts(450, 360, THRICE), counts(50, 40, THRICE))
    assert {outcome([*[GOOD] * 3, *[outage] * n]) for n in (1, 2, 10, 50)} == {Outcome.NOT_ENOUGH}


def test_no_step_is_left_while_the_baseline_itself_fails() -> None:
    verdict = judge([block(counts(450, 360), counts(50, 40))] * 100, RULES, FIRST)
    assert verdict.reason == "an incident: 80.00% of the baseline's own requests fail"


def test_a_single_burst_of_the_canary_is_not_worse_though_its_requests_alone_would_say_so() -> None:
    verdict = judge([GOOD, block(counts(450, 0), counts(50, 15)), GOOD], RULES, FIRST)
    assert verdict.evidence.errors >= verdict.evidence.threshold
    assert verdict.outcome is Outcome.NOT_ENOUGH


def test_a_disaster_trips_the_kill_switch_in_its_first_block() -> None:
    verdict = judge([block(counts(450, 1), counts(50, 40))], RULES, FIRST)
    assert verdict.kill
    assert verdict.outcome is Outcome.WORSE
    assert verdict.reason.startswith("kill switch: errors 80.00% of 50")


def test_what_was_a_little_worse_at_every_step_is_worse() -> None:
    def at(step: int) -> list[Block]:
        return [block(counts(450, 2), counts(50, 1), step=step)] * 8

    assert outcome(at(0)) is not Outcome.WORSE
    assert outcome([*at(0), *at(1), *at(2)], LAST) is Outcome.WORSE


def test_alpha_is_shared_by_the_three_questions() -> None:
    evidence = judge([GOOD], Rules(alpha=0.05, beta=0.1), FIRST).evidence
    assert evidence.threshold == pytest.approx(60)
    assert evidence.threshold_by_block == pytest.approx(20)
    assert evidence.threshold_equal == pytest.approx(10)


ARMS = some.integers(0, 60).flatmap(lambda of: some.builds(counts, some.just(of), some.integers(0, of)))


@given(some.lists(some.builds(block, ARMS, ARMS), max_size=5))
def test_every_verdict_is_of_finite_numbers_and_has_a_reason(blocks: list[Block]) -> None:
    verdict = judge(blocks, RULES, FIRST)
    evidence = dataclasses.asdict(verdict.evidence)
    numbers = [*evidence.pop("baseline").values(), *evidence.pop("canary").values(), *evidence.values()]
    assert all(map(math.isfinite, numbers))
    assert verdict.reason


@pytest.mark.parametrize(
    ("errors", "requests", "low", "high"), [(0, 0, 0, 1), (0, 100, 0, 0.037), (2, 100, 0.0055, 0.07), (5, 5, 0.566, 1)]
)
def test_the_interval_of_a_ratio_is_wilsons(errors: int, requests: int, low: float, high: float) -> None:
    assert wilson(errors, requests) == pytest.approx((low, high), abs=5e-4)
