"""How does a customer stay signed in? Keys asked for when they are needed, refreshes made once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.users.v1.users_pb2 import GetJwksResponse, RefreshResponse, Tokens
from shop.users.v1.users_pb2_grpc import UsersServiceServicer, UsersServiceStub, add_UsersServiceServicer_to_server

from services.storefront import keys as keys_module
from services.storefront.keys import Keys, KeysUnknown
from services.storefront.renewing import REMEMBERED, Renewals
from tests.hosting.running import FakeClock


class Users(UsersServiceServicer):
    """A service with the two methods of users that matter here, whose answers a test decides."""

    def __init__(self) -> None:
        self.signing = {"one": ec.generate_private_key(ec.SECP256R1())}
        self.asked = self.refreshed = 0
        self.away = False
        self.arrived, self.go_on = asyncio.Event(), asyncio.Event()

    async def GetJwks(self, _: Any, context: Any) -> GetJwksResponse:
        self.asked += 1
        if self.away:
            await context.abort(StatusCode.UNAVAILABLE)
        published = [
            jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "alg": "ES256"}
            for kid, key in self.signing.items()
        ]
        return GetJwksResponse(jwks=json.dumps({"keys": published}))

    async def Refresh(self, _: Any, context: Any) -> RefreshResponse:
        self.refreshed += 1
        self.arrived.set()
        await self.go_on.wait()
        if self.away:
            await context.abort(StatusCode.UNAVAILABLE)
        return RefreshResponse(tokens=Tokens(access_token=f"token {self.refreshed}"))

    def token(self, kid: str, now: datetime, seconds: int = 600) -> str:
        at = int(now.timestamp())
        said = {"iss": "argosy", "aud": "shop", "sub": "user-1", "role": "customer", "jti": "1"}
        return jwt.encode(said | {"iat": at, "nbf": at, "exp": at + seconds}, self.signing[kid], "ES256", {"kid": kid})


@pytest.fixture
def users() -> Users:
    return Users()  # type: ignore[abstract]  # the methods that are not there answer UNIMPLEMENTED


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(began=datetime(2026, 1, 1, tzinfo=UTC))


@pytest_asyncio.fixture(loop_scope="session")
async def stub(users: Users) -> AsyncIterator[UsersServiceStub]:
    server = grpc.aio.server()
    add_UsersServiceServicer_to_server(users, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield UsersServiceStub(channel)
    await server.stop(None)


@pytest.fixture
def keys(stub: UsersServiceStub, clock: FakeClock) -> Keys:
    return Keys(stub, clock.monotonic, clock.now)


@pytest.fixture
def renewals(stub: UsersServiceStub, clock: FakeClock) -> Renewals:
    return Renewals(stub, clock.monotonic)


async def test_keys_are_asked_for_once_and_again_for_a_key_that_is_new(
    users: Users, clock: FakeClock, keys: Keys
) -> None:
    for _ in range(3):
        found = await keys.claims(users.token("one", clock.now()))
        assert found
        assert found.customer_id == "user-1"
    assert users.asked == 1
    users.signing["two"] = ec.generate_private_key(ec.SECP256R1())
    clock.advance(keys_module.PAUSE + 1)
    assert await keys.claims(users.token("two", clock.now())) is not None
    assert users.asked == 2


async def test_made_up_key_ids_do_not_make_us_ask_each_time(users: Users, clock: FakeClock, keys: Keys) -> None:
    made_up = jwt.encode({}, ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": "made up"})
    assert [await keys.claims(made_up) for _ in range(20)] == [None] * 20
    assert users.asked == 1


async def test_a_key_that_is_published_no_longer_is_trusted_no_longer(
    users: Users, clock: FakeClock, keys: Keys
) -> None:
    stolen = users.token("one", clock.now(), seconds=10_000)
    assert await keys.claims(stolen) is not None
    users.signing = {"two": ec.generate_private_key(ec.SECP256R1())}
    clock.advance(keys_module.ANEW_AFTER + 1)
    assert await keys.claims(stolen) is None


async def test_known_keys_go_on_while_users_is_away_and_without_any_nobody_is_judged(
    users: Users, clock: FakeClock, keys: Keys
) -> None:
    users.away = True
    with pytest.raises(KeysUnknown):
        await keys.claims(users.token("one", clock.now()))
    users.away = False
    clock.advance(keys_module.PAUSE + 1)
    assert await keys.claims(users.token("one", clock.now())) is not None
    users.away = True
    clock.advance(keys_module.ANEW_AFTER + 1)
    assert await keys.claims(users.token("one", clock.now())) is not None


async def test_a_token_that_is_nearly_over_is_as_good_as_none(users: Users, clock: FakeClock, keys: Keys) -> None:
    token = users.token("one", clock.now(), seconds=600)
    clock.advance(590)
    assert await keys.claims(token) is not None
    assert await keys.claims(token, good_for=15) is None
    clock.advance(11)
    assert await keys.claims(token) is None


async def test_whoever_comes_with_the_same_refresh_token_gets_the_same_new_ones(
    users: Users, clock: FakeClock, renewals: Renewals
) -> None:
    coming = [asyncio.create_task(renewals.tokens("old")) for _ in range(5)]
    users.go_on.set()
    assert {tokens.access_token for tokens in await asyncio.gather(*coming)} == {"token 1"}
    assert (await renewals.tokens("old")).access_token == "token 1"
    assert (await renewals.tokens("another")).access_token == "token 2"
    clock.advance(REMEMBERED + 1)
    assert (await renewals.tokens("old")).access_token == "token 3"


async def test_who_leaves_does_not_end_the_refresh_of_the_others(users: Users, renewals: Renewals) -> None:
    leaving, staying = (asyncio.create_task(renewals.tokens("old")) for _ in range(2))
    await users.arrived.wait()
    leaving.cancel()
    users.go_on.set()
    assert (await staying).access_token == "token 1"


async def test_a_refresh_that_failed_is_tried_anew(users: Users, renewals: Renewals) -> None:
    users.away = True
    users.go_on.set()
    with pytest.raises(AioRpcError):
        await renewals.tokens("old")
    users.away = False
    assert (await renewals.tokens("old")).access_token == "token 2"


async def test_all_who_come_before_the_keys_are_there_wait_for_the_one_answer(
    users: Users, clock: FakeClock, keys: Keys
) -> None:
    token = users.token("one", clock.now())
    found = await asyncio.gather(*(keys.claims(token) for _ in range(5)))
    assert all(found)
    assert users.asked == 1
