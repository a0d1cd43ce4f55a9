"""When is a runner dead? When its Lease is not renewed for as long as it lasts, although the API server answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path

import httpx2
from lightkube import AsyncClient
from lightkube.operators import exists
from lightkube.resources.coordination_v1 import Lease

from mesh.canary.act.lease import EXPIRES_AFTER, LABEL
from mesh.canary.act.routing import Routing
from mesh.canary.look import events
from mesh.canary.problems import CanaryError, Held
from mesh.canary.run.place import Place
from mesh.canary.watchdog.duty import Duty
from mesh.canary.watchdog.presence import ALL, BEATS_EVERY, Clock, Presence, Sleep
from mesh.canary.watchdog.standing_in import duty, stand_in
from mesh.canary.watchdog.vigil import Vigil, begun
from mesh.chosen_cluster import NAMESPACE

LOOK_EVERY = 2.0

log = logging.getLogger(__name__)


class Watchdog:
    """Watches the Lease of one service's canary, or of every one's, and stands in for who has let it expire, as `by`.

    `folder`: of the journals' copies on this machine's disk, if there are any.
    """

    def __init__(
        self,
        client: AsyncClient,
        service: str,
        by: str,
        folder: Path | None = None,
        *,
        namespace: str = NAMESPACE,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client, self._service, self._by, self._folder = client, service, by, folder
        self._namespace = namespace
        self._clock, self._sleep = clock, sleep
        self._presence = Presence(client, service, by, namespace)
        self._beaten: float | None = None
        self._vigils: dict[str, Vigil] = {}
        self._settled: dict[str, str] = {}
        """The version of a service's Lease under which nothing is to be done."""
        self._complaints: dict[str, str] = {}

    async def watch(self) -> None:
        """Watch on. Returns when the run of the one service needs nobody any more; of ALL, never."""
        while not await self._over():
            await self._sleep(LOOK_EVERY)

    async def _over(self) -> bool:
        try:
            await self._look()
            over = await self._needless()
        except httpx2.HTTPError as error:  # what was seen until now counts no longer, see vigil.py
            self._complain("the API server", error)
            return False
        self._complaints.pop("the API server", None)
        return over

    async def _look(self) -> None:
        now = self._clock()
        if self._beaten is None or now - self._beaten >= BEATS_EVERY:
            await self._presence.beat()
            self._beaten = now
        for service, version in (await self._leases()).items():
            known = self._vigils.get(service)
            vigil = self._vigils[service] = known.after(version, now) if known else begun(version, now)
            if vigil.unrenewed >= EXPIRES_AFTER and self._settled.get(service) != version:
                await self._attend(service, version)

    async def _leases(self) -> Mapping[str, str]:
        """The version of each service's Lease; empty for one that is no more, or not yet."""
        wanted = exists() if self._service == ALL else self._service
        leases = self._client.list(Lease, namespace=self._namespace, labels={LABEL: wanted})
        found = {
            str((one.metadata.labels or {})[LABEL]): str(one.metadata.resourceVersion)
            async for one in leases
            if one.metadata
        }
        expected = self._vigils if self._service == ALL else [self._service]
        return {**dict.fromkeys(expected, ""), **found}

    async def _attend(self, service: str, version: str) -> None:
        """See to a service whose Lease nobody renews; what fails is tried again when nobody has renewed it since."""
        try:
            uid = (await Routing(self._client, service, namespace=self._namespace).look()).metadata.get("uid", "")
            async with events.opened(self._client, service, str(uid)) as told:
                place = Place(
                    client=self._client,
                    service=service,
                    guard=self._who,
                    folder=self._folder,
                    by=self._by,
                    listeners=[told],
                    namespace=self._namespace,
                )
                decision = await duty(place)
                if decision.duty is Duty.NOTHING:
                    self._settled[service] = version
                else:
                    decision = await stand_in(place)
            log.info("%s: %s: %s", service, decision.duty, decision.reason)
            self._complaints.pop(service, None)
        except Held as held:
            log.info("%s: %s is back", service, held.holder)
        except (CanaryError, httpx2.HTTPError) as error:
            self._complain(service, error)

    async def _who(self) -> str:
        return self._by

    async def _needless(self) -> bool:
        """Whether the run is over, and nobody has begun another since we said that we are going."""
        vigil = self._vigils.get(self._service)
        if vigil is None or self._settled.get(self._service) != vigil.version:
            return False
        await self._presence.withdraw()
        if (await self._leases())[self._service] == vigil.version:
            return True
        self._beaten = None  # and we are back
        return False

    def _complain(self, about: str, error: Exception) -> None:
        """Log it, but not every two seconds."""
        if self._complaints.get(about) != str(error):
            self._complaints[about] = str(error)
            log.warning("%s: %s", about, error)
