"""How does a customer stay signed in? By one refresh for each refresh token, whoever waits for it.

A browser asks for several things at once, all with the same cookies, and a refresh token used twice is taken for
stolen. So those who come while it is being used, or shortly after with the old cookie, get the same new tokens.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from shop.users.v1.users_pb2 import RefreshRequest, Tokens
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from mesh.resilience import deadline

REMEMBERED = 30.0  # seconds that the answer is given to those who come with the old cookie
MOST = 10_000


class Renewals:
    """The refreshes of this process."""

    def __init__(self, users: UsersServiceStub, monotonic: Callable[[], float]) -> None:
        self._users, self._monotonic = users, monotonic
        self._begun: OrderedDict[str, tuple[float, asyncio.Task[Tokens]]] = OrderedDict()  # oldest first

    async def tokens(self, refresh_token: str) -> Tokens:
        """New tokens for this one. Raises AioRpcError."""
        now = self._monotonic()
        self._forget(now)
        begun = self._begun.get(refresh_token)
        if begun is None or _failed(begun[1]):
            begun = self._begun[refresh_token] = now, asyncio.create_task(self._refresh(refresh_token))
        return await asyncio.shield(begun[1])

    async def _refresh(self, refresh_token: str) -> Tokens:
        with deadline.detached():  # whoever began it may leave; the others still wait
            return (await self._users.Refresh(RefreshRequest(refresh_token=refresh_token))).tokens

    def _forget(self, now: float) -> None:
        while self._begun:
            token, (since, task) = next(iter(self._begun.items()))
            if len(self._begun) < MOST and (now - since < REMEMBERED or not task.done()):
                return
            del self._begun[token]


def _failed(task: asyncio.Task[Tokens]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
