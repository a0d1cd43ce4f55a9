"""A refresh token is good for one Refresh, and whoever uses it again ends what descends from it."""

from __future__ import annotations

import asyncio
import base64
import logging

import pytest
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.hosting.clock import microseconds
from services.hosting.database import Database
from services.users.housekeeping import Housekeeper
from services.users.refresh_tokens import RACE, new_family, parsed
from services.users.sessions import LASTS, MOST
from services.users.tables import ATTEMPTS, SESSIONS
from services.users.throttle import FORGOTTEN, SECOND
from tests.hosting.running import FakeClock
from tests.users.asking import EMAIL, WRONG, login, profile, refresh, refused, signed_in

VOID = ("UNAUTHENTICATED", "REFRESH_INVALID")
RACED = ("ABORTED", "REFRESH_RACED")
RACE_SECONDS = RACE / SECOND


async def rows(database: Database) -> tuple[int, int]:
    """How many sessions and addresses tried there are."""
    return (
        await database.read(lambda connection: len(connection.execute(SESSIONS.select()).all())),
        await database.read(lambda connection: len(connection.execute(ATTEMPTS.select()).all())),
    )


async def logout(users: UsersServiceStub, token: str) -> None:
    await users.Logout(pb.LogoutRequest(refresh_token=token))


async def test_a_session_is_renewed_again_and_again_until_its_end(users: UsersServiceStub, clock: FakeClock) -> None:
    tokens = await signed_in(users)
    seen = {tokens.refresh_token}
    for _ in range(4):
        clock.advance(LASTS / SECOND / 5)
        tokens, before = await refresh(users, tokens.refresh_token), tokens
        seen.add(tokens.refresh_token)
        assert tokens.refresh_expire_time == before.refresh_expire_time
        assert (await profile(users, tokens.access_token)).email == EMAIL
    assert len(seen) == 5
    clock.advance(LASTS / SECOND / 5)
    assert await refused(refresh(users, tokens.refresh_token)) == VOID


@pytest.mark.parametrize("generation", [0, 1, 2])
async def test_a_refresh_token_used_again_ends_all_that_descend_from_its_login(
    users: UsersServiceStub, clock: FakeClock, caplog: pytest.LogCaptureFixture, generation: int
) -> None:
    other = await signed_in(users)
    family = [await login(users)]
    for _ in range(3):
        family.append(await refresh(users, family[-1].refresh_token))
        clock.advance(RACE_SECONDS)
    with caplog.at_level(logging.WARNING):
        assert await refused(refresh(users, family[generation].refresh_token)) == VOID
    assert [record.message for record in caplog.records] == ["refresh token reused"]
    assert await refused(refresh(users, family[-1].refresh_token)) == VOID
    assert await refresh(users, other.refresh_token)  # another Login's


async def test_of_many_who_use_a_token_at_once_one_wins_and_the_session_lives(users: UsersServiceStub) -> None:
    tokens = await signed_in(users)
    ends = await asyncio.gather(*(attempt(users, tokens.refresh_token) for _ in range(8)))
    (won,) = [end for end in ends if isinstance(end, pb.Tokens)]
    assert [end for end in ends if end is not won] == [RACED] * 7
    assert await refresh(users, won.refresh_token)


async def attempt(users: UsersServiceStub, token: str) -> pb.Tokens | tuple[str, str]:
    refreshing = asyncio.ensure_future(refresh(users, token))
    await asyncio.wait({refreshing})
    return await refused(refreshing) if refreshing.exception() else refreshing.result()


async def test_the_race_is_over_after_ten_seconds(users: UsersServiceStub, clock: FakeClock) -> None:
    tokens = await signed_in(users)
    renewed = await refresh(users, tokens.refresh_token)
    clock.advance(RACE_SECONDS - 0.001)
    assert await refused(refresh(users, tokens.refresh_token)) == RACED
    clock.advance(0.001)
    assert await refused(refresh(users, tokens.refresh_token)) == VOID
    assert await refused(refresh(users, renewed.refresh_token)) == VOID


async def test_only_the_token_just_used_may_race(users: UsersServiceStub) -> None:
    tokens = await signed_in(users)
    await refresh(users, (await refresh(users, tokens.refresh_token)).refresh_token)
    assert await refused(refresh(users, tokens.refresh_token)) == VOID


@pytest.mark.parametrize("made_up", ["x", "a.b.c", "A" * 64, "é" * 20, "A" * 63 + "=", "A" * 63])
async def test_a_token_nobody_gave_is_refused_and_ends_nothing(users: UsersServiceStub, made_up: str) -> None:
    tokens = await signed_in(users)
    assert await refused(refresh(users, made_up)) == VOID
    await logout(users, made_up)
    assert await refresh(users, tokens.refresh_token)


async def test_a_guessed_secret_of_a_known_family_ends_the_family(users: UsersServiceStub) -> None:
    """Whoever knows the family has seen a token of it."""
    tokens = await signed_in(users)
    mine = parsed(tokens.refresh_token)
    assert mine
    guess = base64.urlsafe_b64encode(mine.family + bytes(32)).decode()
    assert await refused(refresh(users, guess)) == VOID
    assert await refused(refresh(users, tokens.refresh_token)) == VOID


@pytest.mark.parametrize("old", [True, False])
async def test_logout_ends_the_session_whichever_of_its_tokens_is_shown(users: UsersServiceStub, *, old: bool) -> None:
    first = await signed_in(users)
    newest = await refresh(users, first.refresh_token)
    for _ in range(2):
        await logout(users, (first if old else newest).refresh_token)
    assert await refused(refresh(users, newest.refresh_token)) == VOID


async def test_an_account_has_so_many_sessions_and_no_more(users: UsersServiceStub, clock: FakeClock) -> None:
    first = await signed_in(users)
    second = None
    for _ in range(MOST):
        clock.advance(1)
        second = second or await login(users)
        await login(users)
    assert second
    assert await refused(refresh(users, first.refresh_token)) == VOID
    assert await refused(refresh(users, second.refresh_token)) == VOID
    assert (await refresh(users, (await login(users)).refresh_token)).access_token


async def test_what_is_over_is_removed(users: UsersServiceStub, database: Database, clock: FakeClock) -> None:
    tokens = await signed_in(users)
    await refused(login(users, password=WRONG))
    housekeeper = Housekeeper(database, lambda: microseconds(clock.now()))
    await housekeeper.sweep()
    assert await rows(database) == (1, 1)
    clock.advance(FORGOTTEN / SECOND)
    await housekeeper.sweep()
    assert await rows(database) == (1, 0)
    assert await refresh(users, tokens.refresh_token)
    clock.advance(LASTS / SECOND)
    await housekeeper.sweep()
    assert await rows(database) == (0, 0)


def test_a_token_reads_as_it_was_written_and_shows_nothing() -> None:
    token = new_family()
    assert parsed(token.text) == token
    assert token.successor().family_hash == token.family_hash
    assert token.successor().secret_hash != token.secret_hash
    assert repr(token) == "RefreshToken()"
