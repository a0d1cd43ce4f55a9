from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
from shop.users.v1 import users_pb2
from shop.users.v1.users_pb2_grpc import UsersServiceStub, add_UsersServiceServicer_to_server

from services.hosting import Hosted
from services.hosting.clock import microseconds
from services.hosting.database import Database, open_database
from services.users.__main__ import MIGRATIONS
from services.users.key_schedule import Schedule
from services.users.keyring import Keyring
from services.users.passwords import Passwords, open_passwords
from services.users.servicer import UsersServicer
from tests.hosting.databases import Databases
from tests.hosting.running import FakeClock, serve

LOGGER = logging.getLogger("argosy.users")


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("users")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url, MIGRATIONS) as database:
        yield database


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    """Real hashes, but quick ones."""
    async with open_passwords(memory_kib=64, passes=1) as passwords:
        yield passwords


@pytest.fixture
def schedule() -> Schedule:
    return Schedule()


@pytest.fixture
async def keyring(database: Database, clock: FakeClock, schedule: Schedule) -> Keyring:
    """Keys that turn when the test says so."""
    keyring = Keyring(database, lambda: microseconds(clock.now()), schedule, LOGGER)
    await keyring.turn()
    return keyring


@pytest.fixture
async def users(
    database: Database, passwords: Passwords, keyring: Keyring, clock: FakeClock
) -> AsyncIterator[UsersServiceStub]:
    """The service behind its real interceptors; nothing turns or sweeps but the test."""
    servicer = UsersServicer(database, passwords, keyring, clock, LOGGER)
    service = users_pb2.DESCRIPTOR.services_by_name["UsersService"]
    hosted = Hosted([(service, servicer, add_UsersServiceServicer_to_server)])
    async with serve(hosted, adaptive_limit="off") as channel:  # a crowd of calls is not refused
        yield UsersServiceStub(channel)
