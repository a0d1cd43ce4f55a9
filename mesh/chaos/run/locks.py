"""Who may hurt the shop? One run a cluster, which holds the Lease `chaos`, and the canary's Lease of each target."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
from lightkube import ApiError, AsyncClient

from mesh.canary.act.lease import RENEW_EVERY, Lease
from mesh.canary.act.problems import Lost
from mesh.canary.journal.keeping import Journals
from mesh.canary.problems import Held
from mesh.canary.problems import Refused as CanaryRefuses
from mesh.chaos.problems import Refused

CHAOS = "chaos"

log = logging.getLogger(__name__)


class Locks:
    """The Leases of one run, kept while it lasts."""

    def __init__(self, leases: Sequence[Lease]) -> None:
        self._leases = leases
        self.lost = ""
        """Why they are not ours any more; empty while they are."""

    async def keep(self) -> None:
        """Renew them, for ever; an API server that is away is waited for."""
        while not self.lost:
            await asyncio.sleep(RENEW_EVERY)
            for lease in self._leases:
                await self._renew(lease)

    async def _renew(self, lease: Lease) -> None:
        try:
            await lease.renew()
        except Lost as lost:
            self.lost = str(lost)
        except (ApiError, httpx2.HTTPError) as error:
            log.warning("Lease %s is not renewed: %s", lease.name, error)


@asynccontextmanager
async def held(client: AsyncClient, targets: Sequence[str], holder: str, namespace: str) -> AsyncIterator[Locks]:
    """The Leases, ours while the block lasts. Raises Refused when somebody else is at work on one of them."""
    leases = [Lease(client, CHAOS, namespace=namespace, name=CHAOS)]
    leases += [Lease(client, target, namespace=namespace) for target in targets]
    async with AsyncExitStack() as stack:
        for lease in leases:
            await _acquire(lease, holder)
            stack.push_async_callback(_release, lease)
        for target in targets:
            await _vacant(Journals(client, target, namespace=namespace))
        locks = Locks(leases)
        keeping = asyncio.create_task(locks.keep())
        stack.callback(keeping.cancel)
        yield locks


async def _acquire(lease: Lease, holder: str) -> None:
    try:
        await lease.acquire(holder)
    except Held as error:
        if lease.name == CHAOS:
            raise Refused(f"{error.holder} is hurting this cluster on purpose; wait until that has ended") from error
        raise Refused(str(error)) from error


async def _vacant(journals: Journals) -> None:
    try:
        await journals.vacant()
    except CanaryRefuses as error:
        raise Refused(str(error)) from error


async def _release(lease: Lease) -> None:
    """Give it back; where that fails it expires."""
    try:
        await lease.release()
    except (ApiError, httpx2.HTTPError) as error:
        log.warning("Lease %s is not given back: %s", lease.name, error)


async def holders(client: AsyncClient, targets: Sequence[str], namespace: str) -> dict[str, str]:
    """Who holds which of the Leases a run with these targets needs; of those that are free nothing."""
    leases = [Lease(client, CHAOS, namespace=namespace, name=CHAOS)]
    leases += [Lease(client, target, namespace=namespace) for target in targets]
    found = {lease.name: await lease.look() for lease in leases}
    return {name: holding.holder for name, holding in found.items() if holding and not holding.free}
