"""Passwords cost what they must, beside the event loop, a few at a time, and for nobody's account as well."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.hosting.database import Database
from services.users import accounts
from services.users.passwords import AT_ONCE, Passwords, open_passwords
from tests.users.asking import EMAIL, PASSWORD, WRONG, login, refused, register


class Held(PasswordHasher):
    """Real hashes that wait until they may begin, and are counted."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.may_begin = threading.Event()
        self.compared: list[str] = []
        self.running = self.most = 0
        self._counting = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  # argon2's name
        with self._counting:
            self.compared.append(str(hash))
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            assert self.may_begin.wait(30)
            return super().verify(hash, password)
        finally:
            with self._counting:
                self.running -= 1


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
async def passwords(held: Held) -> AsyncIterator[Passwords]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield Passwords(held, threads, held.hash("nobody's"))


async def test_while_passwords_are_compared_other_calls_are_answered(users: UsersServiceStub, held: Held) -> None:
    await register(users)
    logins = [asyncio.ensure_future(login(users)) for _ in range(AT_ONCE + 2)]
    while held.running < AT_ONCE:
        await users.GetJwks(pb.GetJwksRequest())
    assert not any(one.done() for one in logins)
    held.may_begin.set()
    await asyncio.gather(*logins)
    assert (held.most, len(held.compared)) == (AT_ONCE, AT_ONCE + 2)


async def test_an_address_without_an_account_costs_the_same_comparison(users: UsersServiceStub, held: Held) -> None:
    held.may_begin.set()
    await register(users)
    await refused(login(users, password=WRONG))
    await refused(login(users, "nobody@example.com"))
    of_somebody, of_nobody = held.compared
    assert of_somebody != of_nobody
    assert extract_parameters(of_somebody) == extract_parameters(of_nobody)


async def test_nobody_s_password_signs_nobody_in(passwords: Passwords, held: Held) -> None:
    held.may_begin.set()
    assert not await passwords.matches("nobody's", None)


async def test_passwords_are_kept_as_argon2id_with_what_owasp_asks_for() -> None:
    async with open_passwords() as passwords:
        stored = await passwords.hash(PASSWORD)
        assert await passwords.matches(PASSWORD, stored)
        assert not await passwords.matches(WRONG, stored)
        assert not passwords.outdated(stored)
        assert stored != await passwords.hash(PASSWORD)  # each with a salt of its own
    kept = extract_parameters(stored)
    assert (kept.type, kept.memory_cost, kept.time_cost, kept.parallelism) == (Type.ID, 19 * 1024, 2, 1)
    assert (kept.salt_len, kept.hash_len, len(stored) < 200) == (16, 32, True)


async def test_a_hash_with_yesterday_s_parameters_is_replaced_when_its_password_comes_by(
    users: UsersServiceStub, database: Database, held: Held
) -> None:
    held.may_begin.set()
    await register(users)
    yesterdays = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(PASSWORD)
    account = await database.read(accounts.by_email, EMAIL)
    assert account
    assert await database.write(accounts.change_password, account.user_id, account.password_hash, yesterdays)
    await refused(login(users, password=WRONG))
    assert await database.read(accounts.by_email, EMAIL) != account  # still yesterday's
    for _ in range(2):
        assert await login(users)
    replaced = await database.read(accounts.by_email, EMAIL)
    assert replaced
    assert extract_parameters(replaced.password_hash).time_cost == 1
