"""What is an order, and who may work on it?

Every change makes a new version, written only where the version read before is still
there (store.py). That is the whole of the locking: of several processes that want to
work on one order, the one whose version is written does; the others are told.

A lease says whether somebody is at work, so that nobody else begins in vain. It rests
on the clocks of the machines; correctness does not: a process that slept through its
lease finds its version gone, and each step it may have sent meanwhile carries a key.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from services.orders.saga import FINAL, Progress, begun

FIRST_WAIT, LONGEST_WAIT = 1_000_000, 2_000_000
"""Microseconds between two tries of a step that is not answered: twice as long each time.

Not longer, for an order has to be final soon after whom it waits for is back; how many are tried at once is bounded.
"""


@dataclass(frozen=True)
class Line:
    """How many of which product, and the price of one piece when the order was placed."""

    product_id: str
    quantity: int
    unit_price: int
    """Billionths of the order's currency."""


@dataclass(frozen=True)
class Order:
    """One order as it is written down. Times are microseconds since 1970, UTC."""

    order_id: str
    idempotency_key: str
    customer_id: str
    currency: str
    lines: tuple[Line, ...]
    progress: Progress
    created: int
    updated: int
    version: int
    owner: str | None
    """Who is at work on it, or was until `lease_until`; None when it waits for the next try."""
    lease_until: int | None
    """Until when it is left alone by recovery; None when it is final."""
    stalls: int
    """How often in a row a step could not be done."""

    @property
    def total(self) -> int:
        """What it costs in all, in billionths of the currency."""
        return sum(line.quantity * line.unit_price for line in self.lines)

    @property
    def reservation_id(self) -> str:
        """The key of the reservation in use."""
        return _derived(self.order_id, f"reservation {self.progress.reservation}")

    @property
    def charge_key(self) -> str:
        """The key under which the money is taken: one for each order, whoever charges it."""
        return _derived(self.order_id, "charge")

    def free(self, now: int) -> bool:
        """True when there is work left and nobody at it."""
        return self.lease_until is not None and (self.owner is None or self.lease_until <= now)

    def taken(self, owner: str, progress: Progress, *, now: int, lease: int) -> Order:
        """The next version: `owner` works on it, from `progress` on, for `lease` microseconds."""
        return replace(
            self, version=self.version + 1, owner=owner, progress=progress, updated=now, lease_until=now + lease
        )

    def advanced(self, progress: Progress, *, now: int, lease: int) -> Order:
        """The next version after a step; the lease begins anew, or ends with the order."""
        final = progress.state in FINAL
        return replace(
            self,
            version=self.version + 1,
            progress=progress,
            updated=now,
            stalls=0,
            owner=None if final else self.owner,
            lease_until=None if final else now + lease,
        )

    def left(self, *, now: int) -> Order:
        """The next version after a step that could not be done: recovery tries again, after a growing wait."""
        wait = min(FIRST_WAIT << min(self.stalls, 10), LONGEST_WAIT)
        return replace(
            self, version=self.version + 1, owner=None, lease_until=now + wait, stalls=self.stalls + 1, updated=now
        )


def placed(
    *, idempotency_key: str, customer_id: str, currency: str, lines: tuple[Line, ...], owner: str, now: int, lease: int
) -> Order:
    """A new order, its first version, which `owner` works on."""
    return Order(
        order_id=str(uuid.uuid4()),
        idempotency_key=idempotency_key,
        customer_id=customer_id,
        currency=currency,
        lines=lines,
        progress=begun(),
        created=now,
        updated=now,
        version=1,
        owner=owner,
        lease_until=now + lease,
        stalls=0,
    )


def _derived(order_id: str, purpose: str) -> str:
    # Derived, not drawn: a process that takes over needs no other record to find what was sent.
    return str(uuid.uuid5(uuid.UUID(order_id), purpose))
