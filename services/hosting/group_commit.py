"""How do small transactions share one flush to the disk? What waits while one is under way is committed together.

A commit ends with a flush, which takes longer than all the rest of a small transaction and cannot be done twice at
once. So the next transaction takes everything that has come meanwhile. Nobody is answered before the flush that his
own rows are in, so a power cut takes nothing back that was promised; alone, a transaction waits for nobody
(docs/decisions/0030-orders-at-rate.md).

When one of them raises, all are undone, and each is run again by itself, as if they had never met.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from services.hosting.errors import DependencyUnavailable
from services.hosting.lanes import FaithfulLane

T = TypeVar("T")

MOST = 32
"""Transactions that are committed together: a bound on what other processes on the file wait for."""


@dataclass(frozen=True)
class Waiting:
    """A transaction, and where its result is waited for."""

    work: Callable[[Connection], Any]
    future: Future[Any] = field(default_factory=Future)


class GroupCommit(FaithfulLane):
    """One thread with one connection, which commits together what waits for it."""

    def __init__(self, engine: Engine, name: str) -> None:
        super().__init__(engine, name, 1)
        self._waiting: deque[Waiting] = deque()

    async def run(self, work: Callable[[Connection], T]) -> T:
        one = Waiting(work)
        self._waiting.append(one)
        self._threads.submit(self._next)  # finds nothing when an earlier one has taken it along
        result: T = await asyncio.wrap_future(one.future)
        return result

    def _next(self) -> None:
        taken = self._taken()
        if len(taken) <= 1 or not self._together(taken):
            for one in taken:
                self._alone(one)

    def _taken(self) -> list[Waiting]:
        """The transactions that have waited longest, without those that nobody waits for any more."""
        count = min(len(self._waiting), MOST)
        taken = [self._waiting.popleft() for _ in range(count)]
        return [one for one in taken if one.future.set_running_or_notify_cancel()]

    def _together(self, taken: list[Waiting]) -> bool:
        """Whether all have been answered: committed as one, or kept out together. If not, nothing has happened."""
        try:
            results = self.transaction(lambda connection: [one.work(connection) for one in taken])
        except DependencyUnavailable as locked:  # by another process; the next try would wait as long
            for one in taken:
                one.future.set_exception(locked)
            return True
        except Exception:  # noqa: BLE001  # whose it is, each finds out by itself
            return False
        for one, result in zip(taken, results, strict=True):
            one.future.set_result(result)
        return True

    def _alone(self, one: Waiting) -> None:
        try:
            result = self.transaction(one.work)
        except BaseException as error:  # noqa: BLE001  # raised where it is waited for
            one.future.set_exception(error)
        else:
            one.future.set_result(result)
