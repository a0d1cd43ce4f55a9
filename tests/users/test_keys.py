"""Keys turn without a refused token, and are made once however many processes look after them."""

from __future__ import annotations

import asyncio
import logging

import pytest
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.hosting.access_tokens import public_keys, verified
from services.hosting.clock import microseconds
from services.hosting.database import Database
from services.users import signing_keys
from services.users.key_schedule import DAY, HOUR, Schedule
from services.users.keyring import Keyring
from services.users.tables import SIGNING_KEYS
from services.users.throttle import SECOND
from tests.hosting.running import FakeClock
from tests.users.asking import profile, refresh, signed_in


@pytest.fixture
def schedule() -> Schedule:
    """As the shop's, but for a key a day: the test has not all week."""
    return Schedule(signing=DAY)


async def test_whoever_fetches_the_keys_each_hour_refuses_no_token_while_they_turn(
    users: UsersServiceStub, keyring: Keyring, clock: FakeClock
) -> None:
    tokens = await signed_in(users)
    signers = set()
    for _ in range(2 * 24 + 2):
        fetched = public_keys((await users.GetJwks(pb.GetJwksRequest())).jwks)
        clock.advance(HOUR / SECOND)
        before, tokens = tokens, await refresh(users, tokens.refresh_token)  # by a process that has not looked yet
        await keyring.turn()
        assert verified(tokens.access_token, fetched, clock.now()).customer_id
        assert await profile(users, tokens.access_token)
        assert before.access_token != tokens.access_token
        signers.add((await keyring.signer()).kid)
    assert len(signers) == 3


async def test_replicas_that_find_a_key_due_at_once_make_one(
    keyring: Keyring, database: Database, clock: FakeClock, schedule: Schedule
) -> None:
    logger = logging.getLogger("argosy.users")
    replicas = [Keyring(database, lambda: microseconds(clock.now()), schedule, logger) for _ in range(4)]
    clock.advance((DAY - HOUR) / SECOND)
    for _ in range(2):
        await asyncio.gather(*(replica.turn() for replica in replicas))
    assert len(await database.read(signing_keys.known)) == 2
    assert len({replica.jwks for replica in replicas}) == 1


async def test_a_key_is_forgotten_once_its_last_token_is_over(
    users: UsersServiceStub, keyring: Keyring, clock: FakeClock, schedule: Schedule
) -> None:
    tokens = await signed_in(users)
    (first,) = keyring.public
    clock.advance((DAY - HOUR - schedule.spread) / SECOND)
    await keyring.turn()
    clock.advance((HOUR + schedule.spread) / SECOND - 1)
    tokens = await refresh(users, tokens.refresh_token)
    clock.advance(1)
    assert (await keyring.signer()).kid != first
    clock.advance(schedule.token_life / SECOND - 2)
    await keyring.turn()
    assert await profile(users, tokens.access_token)
    clock.advance(schedule.spread / SECOND + 2)
    await keyring.turn()
    assert first not in keyring.public
    assert len(keyring.public) == 1


async def test_keys_are_published_from_memory_and_signing_asks_the_database(
    users: UsersServiceStub, keyring: Keyring, database: Database
) -> None:
    await database.write(lambda connection: connection.execute(SIGNING_KEYS.delete()).rowcount)
    published = (await users.GetJwks(pb.GetJwksRequest())).jwks
    assert (published, len(keyring.public)) == (keyring.jwks, 1)
    await keyring.turn()
    assert (await keyring.signer()).kid in keyring.public
