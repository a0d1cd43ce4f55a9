"""When are the books to be believed? They are read one after another, while the shop goes on.

An order may be paid after the payments were read and before the orders were. So what is wrong in one
reading counts only if the next one, a little later, finds the very same. Orders in flight are waited
for, up to a limit, and so is a service (or our own sidecar) that is just starting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.auditor.books import Books, Discrepancy, discrepancies
from services.hosting.pages import Unreadable

PAUSE_SECONDS = 1.0
"""Between two readings: long enough for a healthy order to be finished."""


@dataclass(frozen=True)
class Audit:
    """The last reading and what is wrong with it."""

    books: Books
    found: list[Discrepancy]
    readings: int


async def audit(
    read: Callable[[], Awaitable[Books]],
    *,
    settle_seconds: float,
    monotonic: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> Audit:
    """Read the books until they are settled, for `settle_seconds` at most but twice at least if anything is wrong.

    Raises Unreadable.
    """
    end = monotonic() + settle_seconds
    before: frozenset[Discrepancy] | None = None
    readings = 0
    while True:
        try:
            books = await read()
        except Unreadable as error:
            if not error.transient or monotonic() >= end:
                raise
            await sleep(PAUSE_SECONDS)
            continue
        readings += 1
        found = discrepancies(books)
        if not found:
            return Audit(books, [], readings)
        if before is not None:
            lasting = [discrepancy for discrepancy in found if discrepancy in before]
            settled = not any(discrepancy.name == "UNSETTLED" for discrepancy in found)
            if monotonic() >= end or (settled and lasting == found):
                return Audit(books, lasting, readings)
        before = frozenset(found)
        await sleep(PAUSE_SECONDS)
