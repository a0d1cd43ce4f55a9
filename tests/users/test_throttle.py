"""Guessing gets slower and slower, for whoever guesses; nobody is locked out."""

from __future__ import annotations

import asyncio

import pytest
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.users.throttle import FORGOTTEN, FREE, LONGEST, NONE, SECOND, Attempts, pause, tried
from tests.hosting.running import FakeClock, detail
from tests.users.asking import EMAIL, PASSWORD, WRONG, bearer, login, refusal, refused, register, signed_in

TOO_MANY = ("RESOURCE_EXHAUSTED", "TOO_MANY_ATTEMPTS")
NOT_IN = ("UNAUTHENTICATED", "CREDENTIALS_WRONG")

times = st.integers(0, 10 * FORGOTTEN)
attempts = st.builds(Attempts, st.integers(0, 10**6), times)


def test_pauses_double_up_to_a_minute() -> None:
    waits = [pause(Attempts(count, 10**15), 10**15) // SECOND for count in range(14)]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


@given(attempts, times)
def test_nobody_is_locked_out(so_far: Attempts, now: int) -> None:
    wait = pause(so_far, now)
    assert 0 <= wait <= LONGEST  # also when the clock was set back
    assert pause(so_far, max(now, so_far.last_at) + LONGEST) == 0


@given(st.lists(st.integers(0, 2 * LONGEST), max_size=60))
def test_a_guesser_gets_few_tries_however_they_are_timed(gaps: list[int]) -> None:
    now, so_far, made = FORGOTTEN, NONE, 0
    for gap in gaps:
        now += gap
        if not pause(so_far, now):
            so_far, made = tried(so_far, now), made + 1
    # The pauses 1, 2, .. 32 s come to a minute; after them a try costs another.
    assert made <= FREE + 6 + sum(gaps) // LONGEST + 1


def test_a_quarter_of_an_hour_of_quiet_forgets_everything() -> None:
    so_far = Attempts(1000, SECOND)
    assert pause(so_far, SECOND + FORGOTTEN) == 0
    assert tried(so_far, SECOND + FORGOTTEN) == Attempts(1, SECOND + FORGOTTEN)
    assert tried(so_far, SECOND + FORGOTTEN - 1).tries == 1001


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
async def test_after_five_wrong_passwords_there_is_a_wait_also_for_the_right_one(
    users: UsersServiceStub, clock: FakeClock, email: str
) -> None:
    """Of an address without an account the answers are the same: they do not tell that there is none."""
    await register(users)
    for _ in range(FREE):
        assert await refused(login(users, email, WRONG)) == NOT_IN
    for waited, left in ((0, 1), (0.75, 0.25)):
        clock.advance(waited)
        error = await refusal(login(users, email, PASSWORD))
        assert error.code().name == "RESOURCE_EXHAUSTED"
        assert detail(error, error_details_pb2.RetryInfo()).retry_delay.ToMilliseconds() == left * 1000
    clock.advance(0.25)
    assert await refused(login(users, email, WRONG)) == NOT_IN
    assert await refused(login(users, email, WRONG)) == TOO_MANY
    assert await refused(login(users, email.upper(), WRONG)) == TOO_MANY


async def test_the_right_password_starts_the_count_anew(users: UsersServiceStub) -> None:
    await register(users)
    for _ in range(3):
        for _ in range(FREE - 1):
            assert await refused(login(users, password=WRONG)) == NOT_IN
        assert await login(users)


async def test_one_account_s_wait_is_nobody_else_s(users: UsersServiceStub) -> None:
    await register(users)
    for _ in range(FREE):
        await refused(login(users, "eve@example.com", WRONG))
    assert await refused(login(users, "eve@example.com", WRONG)) == TOO_MANY
    assert await login(users)


async def test_guesses_that_come_all_at_once_are_counted_one_by_one(users: UsersServiceStub) -> None:
    await register(users)
    ends = await asyncio.gather(*(refused(login(users, password=WRONG)) for _ in range(20)))
    assert sorted(ends) == sorted([NOT_IN] * FREE + [TOO_MANY] * (20 - FREE))


async def test_the_old_password_is_guessed_no_quicker_with_a_stolen_token(users: UsersServiceStub) -> None:
    stolen = bearer((await signed_in(users)).access_token)
    request = pb.ChangePasswordRequest(old_password=WRONG, new_password=PASSWORD)
    for _ in range(FREE):
        ended = await refused(users.ChangePassword(request, metadata=stolen))
        assert ended == ("FAILED_PRECONDITION", "PASSWORD_WRONG")
    assert await refused(users.ChangePassword(request, metadata=stolen)) == TOO_MANY
    assert await refused(login(users)) == TOO_MANY
