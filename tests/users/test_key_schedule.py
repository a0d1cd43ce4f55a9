"""Whoever verifies a token knows its key already, although it fetched the keys up to an hour before."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.users.key_schedule import DAY, HOUR, MINUTE, Period, Schedule

SCHEDULE = Schedule()

looks = st.lists(st.integers(1, 3 * MINUTE) | st.integers(1, 30 * DAY), min_size=1, max_size=40)


@dataclass(frozen=True)
class Look:
    """What the keys were from a moment on."""

    moment: int
    keys: tuple[Period, ...]


def history(schedule: Schedule, gaps: list[int]) -> list[Look]:
    """The keys of a shop whose processes look after them at such intervals; long ones are outages."""
    now, keys = 0, tuple[Period, ...]()
    seen = []
    for gap in [0, *gaps]:
        now += gap
        over = schedule.forgotten(keys, now)
        due = schedule.next(keys, now)
        keys = (*(key for key in keys if key.generation not in over), *([due] if due else []))
        seen.append(Look(now, keys))
    return seen


def keys_at(seen: list[Look], moment: int) -> tuple[Period, ...]:
    return next(look.keys for look in reversed(seen) if look.moment <= max(0, moment))


def unverifiable(schedule: Schedule, gaps: list[int], signed: int, fetched_before: int) -> bool:
    """Whether a token, signed at that share of the history, has a key that a verifier does not know."""
    seen = history(schedule, gaps)
    moment = seen[-1].moment * signed // 1000
    signer = schedule.signer(keys_at(seen, moment), moment)
    return signer not in {key.generation for key in keys_at(seen, moment - fetched_before)}


@given(looks, st.integers(0, 1000), st.integers(0, HOUR))
def test_a_token_verifies_by_keys_fetched_up_to_an_hour_before_it_was_signed(
    gaps: list[int], signed: int, fetched_before: int
) -> None:
    assert not unverifiable(SCHEDULE, gaps, signed, fetched_before)


@given(looks, st.integers(0, 1000), st.integers(0, SCHEDULE.token_life + MINUTE))
def test_a_token_verifies_by_keys_fetched_until_its_end(gaps: list[int], signed: int, later: int) -> None:
    seen = history(SCHEDULE, gaps)
    moment = seen[-1].moment * signed // 1000
    signer = SCHEDULE.signer(keys_at(seen, moment), moment)
    assert signer in {key.generation for key in keys_at(seen, moment + later)}


WEEKLY = [7 * DAY - HOUR, 30 * MINUTE, 30 * MINUTE, MINUTE]


def test_negative_control_a_key_that_signs_as_soon_as_it_is_published_is_not_known() -> None:
    assert unverifiable(replace(SCHEDULE, publish_ahead=0, spread=0), WEEKLY, 1000, 30 * MINUTE)
    assert not unverifiable(SCHEDULE, WEEKLY, 1000, 30 * MINUTE)


def test_negative_control_a_key_that_goes_with_its_successor_s_first_token_leaves_tokens_behind() -> None:
    hasty = replace(SCHEDULE, token_life=0, spread=0)
    seen = history(hasty, [7 * DAY - HOUR, HOUR - 1, 1])
    last_signed = hasty.signer(keys_at(seen, 7 * DAY - 1), 7 * DAY - 1)
    assert last_signed not in {key.generation for key in seen[-1].keys}


@given(looks)
@example([DAY] * 40)
def test_there_are_never_more_than_three_keys_and_one_that_signs(gaps: list[int]) -> None:
    for look in history(SCHEDULE, gaps):
        assert 1 <= len(look.keys) <= 3
        assert SCHEDULE.signer(look.keys, look.moment) in {key.generation for key in look.keys}


@pytest.mark.parametrize(
    ("now", "signs"), [(0, 1), (7 * DAY - 1, 1), (7 * DAY, 2), (-DAY, 1)], ids=["first", "last", "next", "clock back"]
)
def test_a_key_signs_for_a_week(now: int, signs: int) -> None:
    assert SCHEDULE.signer([Period(1, 0), Period(2, 7 * DAY)], now) == signs


def test_after_an_outage_the_old_key_signs_until_the_new_one_is_known() -> None:
    late = SCHEDULE.next([Period(1, 0)], 30 * DAY)
    assert late == Period(2, 30 * DAY + HOUR + SCHEDULE.spread)
    assert SCHEDULE.signer([Period(1, 0), late], 30 * DAY + HOUR) == 1
