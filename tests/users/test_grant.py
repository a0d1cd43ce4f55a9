"""`python -m services.users grant EMAIL ROLE`, as an operator runs it."""

from __future__ import annotations

import pytest
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from tests.hosting.databases import Databases
from tests.hosting.processes import started
from tests.users.asking import EMAIL, profile, signed_in

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(("role", "becomes"), [("admin", pb.ROLE_ADMIN), ("customer", pb.ROLE_CUSTOMER)])
async def test_a_role_is_granted_beside_the_running_service(
    users: UsersServiceStub, url: str, role: str, becomes: pb.Role.ValueType
) -> None:
    tokens = await signed_in(users)
    async with started("services.users", "grant", EMAIL.upper(), role, DATABASE_URL=url) as command:
        assert await command.ended() == (0, "")
    assert [line["message"] for line in command.lines] == ["role granted"]
    assert (await profile(users, tokens.access_token)).role == becomes


@pytest.mark.usefixtures("database")
async def test_an_address_without_an_account_gets_nothing_and_is_not_repeated(url: str) -> None:
    async with started("services.users", "grant", "nobody@example.com", "admin", DATABASE_URL=url) as command:
        assert await command.ended() == (1, "")
    assert command.lines[-1]["message"] == (
        "cannot grant: there is no account with this address: it has to register first"
    )


async def test_a_database_that_was_never_migrated_is_not_made(databases: Databases) -> None:
    url = databases.url("empty")
    wait = {"DATABASE_URL": url, "DATABASE_WAIT_SECONDS": "0"}
    async with started("services.users", "grant", EMAIL, "admin", **wait) as command:
        assert await command.ended() == (1, "")
    assert command.lines[-1]["message"].startswith("cannot grant: DATABASE_URL: ")


@pytest.mark.parametrize("arguments", [("grant",), ("grant", EMAIL), ("grant", EMAIL, "owner"), ("give", EMAIL)])
async def test_wrong_usage_is_told(arguments: tuple[str, ...]) -> None:
    async with started("services.users", *arguments) as command:
        code, said = await command.ended()
    assert (code, "usage: python -m services.users" in said) == (2, True)
