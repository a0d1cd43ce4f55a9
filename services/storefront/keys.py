"""With which keys are access tokens verified? Those that users publishes, asked for again when one is not known.

Services verify for themselves, or their sidecars do. The pages verify, too, because they decide by it whose cart they
show: a cookie is whatever somebody sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jwt
from grpc.aio import AioRpcError
from shop.users.v1.users_pb2 import GetJwksRequest
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.hosting.access_tokens import Claims, PublicKeys, public_keys, verified
from services.hosting.errors import Unauthenticated

ANEW_AFTER = 600.0  # seconds: a key that users publishes no longer is not trusted much longer
PATIENCE = 1.0  # seconds: a page without keys knows none of its customers
PAUSE = 5.0  # seconds between two questions, or somebody with made-up key ids asks users at our expense


class KeysUnknown(Exception):
    """users does not answer, and nothing is known from before."""


class Keys:
    """The public keys of users; `now` tells which tokens are over."""

    def __init__(self, users: UsersServiceStub, monotonic: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._users, self._monotonic, self._now = users, monotonic, now
        self._keys: PublicKeys | None = None
        self._asked = float("-inf")
        self._asking = asyncio.Lock()

    async def claims(self, token: str, *, good_for: int = 0) -> Claims | None:
        """What a token says; None when it is not right, or not for so many seconds more. Raises KeysUnknown."""
        if not token:
            return None
        async with self._asking:  # who comes meanwhile waits for the same answer
            await self._renew(_key_id(token))
        if self._keys is None:
            raise KeysUnknown
        try:
            found = verified(token, self._keys, self._now())
        except Unauthenticated:
            return None
        return found if found.expires_at - self._now().timestamp() > good_for else None

    async def _renew(self, key_id: Any) -> None:
        age = self._monotonic() - self._asked
        if age > ANEW_AFTER or (age > PAUSE and key_id not in (self._keys or ())):
            self._asked = self._monotonic()
            try:
                answer = await self._users.GetJwks(GetJwksRequest(), timeout=PATIENCE)
            except AioRpcError:
                return  # what is known stays known
            self._keys = public_keys(answer.jwks)


def _key_id(token: str) -> Any:
    try:
        return jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError:
        return None
