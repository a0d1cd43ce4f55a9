"""Every pod is watched, those that come later too, and none twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
from argosy.resilience.v1 import resilience_admin_pb2 as pb
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from services.operator.reaching import Refused
from services.operator.watching import Watch


@dataclass
class Pods:
    """Some pods that take turns in answering; each stream of one lasts until the pod goes."""

    names: list[str]
    refuse: StatusCode | None = None
    open: dict[str, int] = field(default_factory=dict)
    turn: int = 0
    going: dict[str, asyncio.Event] = field(default_factory=dict)

    async def follow(self) -> AsyncGenerator[pb.WatchStateResponse, None]:
        if self.refuse:
            raise AioRpcError(self.refuse, Metadata(), Metadata(), "scripted")
        name = self.names[self.turn % len(self.names)]
        self.turn += 1
        self.open[name] = self.open.get(name, 0) + 1
        try:
            yield pb.WatchStateResponse(state=pb.State(service="orders", pod=name))
            await self.going.setdefault(name, asyncio.Event()).wait()
            raise AioRpcError(StatusCode.UNAVAILABLE, Metadata(), Metadata(), "gone")
        finally:
            self.open[name] -= 1

    def go(self, name: str) -> None:
        self.names.remove(name)
        self.going[name].set()


class Watcher:
    """What was told, until it is what a test waits for."""

    def __init__(self, pods: Pods, expected: str = "") -> None:
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.watch = Watch("orders", frozenset(expected.split()), pods.follow, self.told.put_nowait, _at_once)

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.watch.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def next(self) -> tuple[str, bool]:
        """The next pod that was told of, and whether it has gone."""
        async with asyncio.timeout(20):
            line = await self.told.get()
        return line["pod"], "gone" in line


async def _at_once(_: float) -> None:
    await asyncio.sleep(0)


async def test_every_pod_is_watched_by_one_stream() -> None:
    pods = Pods(["a", "b"])
    async with Watcher(pods, "a b") as watcher:
        assert {await watcher.next(), await watcher.next()} == {("a", False), ("b", False)}
        while pods.turn < 20:
            await asyncio.sleep(0)
        assert max(pods.open.values()) <= 2  # the stream, and the scout that hangs up
        assert watcher.told.empty()
    assert set(pods.open.values()) == {0}


async def test_a_pod_that_comes_later_is_found_and_one_that_goes_is_said_to_be_gone() -> None:
    pods = Pods(["a"])
    async with Watcher(pods) as watcher:
        assert await watcher.next() == ("a", False)
        pods.names.append("b")
        assert await watcher.next() == ("b", False)
        pods.go("a")
        assert await watcher.next() == ("a", True)


async def test_a_refusal_ends_the_watch() -> None:
    watcher = Watcher(Pods([], refuse=StatusCode.PERMISSION_DENIED))
    with pytest.raises(Refused):
        await watcher.watch.run()
