"""Whoever signs in is known in front of every service, and stays so when users changes its keys."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import jwt
import pytest
from grpc import StatusCode, aio
from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub
from shop.users.v1 import users_pb2
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from mesh.running_shop import Shop
from services.users.key_schedule import DAY, HOUR
from tests.end_to_end.at_the_gateway import browser
from tests.end_to_end.conftest import STATE, argosy, eventually, kubectl

PATIENCE = 60.0


@dataclass
class Customer:
    """Somebody with an account, on a connection of his own."""

    channel: aio.Channel
    email: str = field(default_factory=lambda: f"{uuid4()}@example.com")
    password: str = "twelve letters and more"

    def __post_init__(self) -> None:
        self.users, self.orders = UsersServiceStub(self.channel), OrdersServiceStub(self.channel)

    async def register(self) -> str:
        """The account's id."""
        request = users_pb2.RegisterRequest(email=self.email, password=self.password, name="Ada")
        return (await self.users.Register(request, timeout=PATIENCE)).profile.user_id

    async def sign_in(self) -> str:
        """A new access token."""
        request = users_pb2.LoginRequest(email=self.email, password=self.password)
        return (await self.users.Login(request, timeout=PATIENCE)).tokens.access_token

    async def ask(self, token: str) -> StatusCode:
        """Whether the token is believed; its owner reads the profile."""
        metadata = (("authorization", f"Bearer {token}"),)
        try:
            await self.users.GetProfile(users_pb2.GetProfileRequest(), timeout=PATIENCE, metadata=metadata)
        except aio.AioRpcError as error:
            return error.code()
        return StatusCode.OK

    async def believed(self, token: str) -> None:
        """Wait until the mesh has heard of the key: istiod fetches it when users answers."""
        async with asyncio.timeout(PATIENCE):
            while await self.ask(token) is not StatusCode.OK:
                await asyncio.sleep(0.2)


@pytest.fixture
async def customer(gateway: str) -> AsyncIterator[Customer]:
    async with aio.insecure_channel(gateway, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield Customer(channel)


async def test_who_signs_in_is_known_in_front_of_every_service(customer: Customer) -> None:
    user_id, token = await customer.register(), await customer.sign_in()
    await customer.believed(token)
    mine = orders_pb2.ListOrdersRequest(customer_id=user_id)
    metadata = (("authorization", f"Bearer {token}"),)
    assert not (await customer.orders.ListOrders(mine, timeout=PATIENCE, metadata=metadata)).orders
    with pytest.raises(aio.AioRpcError) as refused:
        await customer.orders.ListOrders(mine, timeout=PATIENCE)
    assert refused.value.code() is StatusCode.PERMISSION_DENIED


def let_pass(time: int) -> None:
    """As if so many microseconds had gone by since users made its keys."""
    (database,) = STATE.rglob("users.db")
    with closing(sqlite3.connect(database, timeout=PATIENCE)) as connection, connection:
        connection.execute("UPDATE signing_keys SET signs_from = signs_from - ?", (time,))


def published(gateway: str) -> set[str]:
    with browser(gateway) as page:
        page.request("GET", "/.well-known/jwks.json")
        with page.getresponse() as response:
            return {key["kid"] for key in json.load(response)["keys"]}


def told(app: str, kid: str) -> bool:
    """Whether the Envoy of every pod of `app` has the key."""
    names = kubectl("get", "pod", "-l", f"app={app}", "-o", "jsonpath={.items[*].metadata.name}").out.split()
    return all(kid in argosy("istioctl", "proxy-config", "listeners", f"{pod}.shop", "-o", "json").out for pod in names)


@asynccontextmanager
async def never_resting(customer: Customer, tokens: list[str]) -> AsyncIterator[Counter[StatusCode]]:
    """The customer asks with every token he has, again and again while the block runs."""
    codes: Counter[StatusCode] = Counter()

    async def ask() -> None:
        while True:
            codes.update([await customer.ask(token) for token in tokens])
            await asyncio.sleep(0.02)

    asking = asyncio.create_task(ask())
    try:
        yield codes
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.local_only("the database of users is at hand, to let a week pass in it")
async def test_a_key_is_changed_and_no_valid_token_is_refused(customer: Customer, shop: Shop, gateway: str) -> None:
    await customer.register()
    tokens = [await customer.sign_in()]
    await customer.believed(tokens[0])
    async with never_resting(customer, tokens) as codes:
        before = published(gateway)
        let_pass(7 * DAY)
        await shop.restart("users-v1")  # a process that starts looks whether a key is due; others do every minute
        (new,) = published(gateway) - before
        assert jwt.get_unverified_header(await customer.sign_in())["kid"] != new  # published, and signs nothing yet
        for app in ("gateway", "users"):
            await asyncio.to_thread(eventually, "told of the new key", partial(told, app, new), wanted=True)
        let_pass(HOUR + HOUR // 6)
        tokens.append(await customer.sign_in())
        assert jwt.get_unverified_header(tokens[-1])["kid"] == new
        asked = codes.total()
        async with asyncio.timeout(PATIENCE):
            while codes.total() < asked + 100:
                await asyncio.sleep(0.05)
    assert set(codes) == {StatusCode.OK}, codes
