"""How are all pods of a service watched, those included that come later? With a stream to each, and a scout.

The scout opens one stream more, again and again: when a pod answers that is watched already, it hangs up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NoReturn

from argosy.resilience.v1 import resilience_admin_pb2 as pb
from grpc.aio import AioRpcError

from services.operator import lines
from services.operator.reaching import PAUSE_SECONDS, passing

SCOUT_SECONDS = 2.0
"""How soon a new pod is seen."""


class Watch:
    """The streams to the pods of one service."""

    def __init__(
        self,
        service: str,
        expected: frozenset[str],
        follow: Callable[[], AsyncGenerator[pb.WatchStateResponse, None]],
        tell: Callable[[dict[str, Any]], None],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._service, self._unseen = service, set(expected)
        self._follow, self._tell, self._sleep = follow, tell, sleep
        self._readers: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> NoReturn:
        """Tell every state of every pod, and who has gone, until cancelled. Raises Refused."""
        try:
            while True:
                await self._scout()
                await self._sleep(PAUSE_SECONDS if self._unseen else SCOUT_SECONDS)
        finally:
            readers = list(self._readers.values())
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def _scout(self) -> None:
        states = self._follow()
        try:
            first = (await anext(states)).state
        except StopAsyncIteration:
            return  # it drains
        except AioRpcError as error:
            passing(self._service, error)
            return
        self._unseen.discard(first.pod)
        if first.pod in self._readers:
            await states.aclose()
        else:
            self._tell(lines.state(first))
            self._readers[first.pod] = asyncio.create_task(self._read(first.pod, states))

    async def _read(self, pod: str, states: AsyncGenerator[pb.WatchStateResponse, None]) -> None:
        try:
            async for response in states:
                self._tell(lines.state(response.state))
        except AioRpcError:
            pass  # the pod is gone, or its sidecar; if it is neither, the scout finds it again, or why not
        finally:
            await states.aclose()
            del self._readers[pod]
        self._tell(lines.gone(self._service, pod))
