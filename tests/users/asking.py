"""How do tests ask users for something? With the fewest words."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from tests.hosting.running import reason

EMAIL, PASSWORD, NAME = "ada@example.com", "correct horse battery", "Ada"
WRONG = "incorrect horse battery"


async def register(users: UsersServiceStub, email: str = EMAIL, password: str = PASSWORD) -> pb.Profile:
    return (await users.Register(pb.RegisterRequest(email=email, password=password, name=NAME))).profile


async def login(users: UsersServiceStub, email: str = EMAIL, password: str = PASSWORD) -> pb.Tokens:
    return (await users.Login(pb.LoginRequest(email=email, password=password))).tokens


async def signed_in(users: UsersServiceStub) -> pb.Tokens:
    """The tokens of a new account."""
    await register(users)
    return await login(users)


async def refresh(users: UsersServiceStub, token: str) -> pb.Tokens:
    return (await users.Refresh(pb.RefreshRequest(refresh_token=token))).tokens


def bearer(token: str) -> list[tuple[str, str]]:
    """The metadata that shows an access token."""
    return [("authorization", f"Bearer {token}")]


async def profile(users: UsersServiceStub, token: str) -> pb.Profile:
    return (await users.GetProfile(pb.GetProfileRequest(), metadata=bearer(token))).profile


async def refusal(call: Awaitable[Any]) -> grpc.aio.AioRpcError:
    """The error that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


async def refused(call: Awaitable[Any]) -> tuple[str, str]:
    """The code and the reason of the error that a call ends with."""
    error = await refusal(call)
    return error.code().name, reason(error)
