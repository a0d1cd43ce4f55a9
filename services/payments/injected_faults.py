"""How does payments v2 fail on purpose? FAILURE_RATE of its charges, and EXTRA_LATENCY in front of each.

Half of the failures strike before the gateway took the money and half after, because callers must survive both.
Each says what it is, in its reason and in trailing metadata, so that nobody takes it for a bug.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from grpc import StatusCode

from services.hosting.errors import ShopError
from services.payments.card_gateway import CardGateway
from services.payments.payment import Card, ChargeOrder, Outcome


class InjectedFailure(ShopError):
    """A failure that FAILURE_RATE asked for."""

    code = StatusCode.UNAVAILABLE
    trailers = (("argosy-injected", "failure-rate"),)

    def __init__(self) -> None:
        super().__init__("INJECTED_BY_SETTING", "FAILURE_RATE made this charge fail")


class FaultyGateway:
    """A gateway that fails a share of the charges; refunds and reports go through untouched.

    `extra_latency` is in seconds; `draw` gives a number from 0 to 1, evenly, for each charge.
    """

    def __init__(
        self,
        gateway: CardGateway,
        *,
        failure_rate: float,
        extra_latency: float,
        draw: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gateway = gateway
        self._failure_rate = failure_rate
        self._extra_latency = extra_latency
        self._draw = draw
        self._sleep = sleep
        self.refund = gateway.refund
        self.changes = gateway.changes

    async def charge(self, order: ChargeOrder, card: Card) -> Outcome:
        await self._sleep(self._extra_latency)
        draw = self._draw()
        if draw < self._failure_rate / 2:
            raise InjectedFailure
        outcome = await self._gateway.charge(order, card)
        if draw < self._failure_rate:
            raise InjectedFailure
        return outcome
