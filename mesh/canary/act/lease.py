"""Who may change a service's route? The one who holds its Lease, while it is renewed."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from lightkube import ApiError, AsyncClient
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease as LeaseObject
from lightkube.types import PatchType

from mesh.canary.act import holder as process
from mesh.canary.act.problems import Lost
from mesh.canary.act.server_clock import ahead
from mesh.canary.problems import Held
from mesh.chosen_cluster import NAMESPACE

RENEW_EVERY = 10.0
EXPIRES_AFTER = 30.0
LABEL = "argosy/canary"
PROCESS = "argosy/process"
STOLEN = "argosy/stolen"
_TRIES = 10


@dataclass(frozen=True)
class Holding:
    """The Lease as it was looked at."""

    holder: str
    """`user@host pid N run R`; empty: released, nobody holds it."""
    left: float
    """Seconds until it expires by the API server's clock; negative: expired so long ago."""
    resource_version: str
    died: bool = False
    """Whether it was held by a process of this machine that is certainly no more."""

    @property
    def free(self) -> bool:
        """Whether it may be taken: released, expired, or held by a process that is no more."""
        return not self.holder or self.left <= 0 or self.died


class Lease:
    """The lock `canary-<service>`, or another one of that `name`.

    Times in it are the API server's: no two machines' clocks are compared.
    """

    def __init__(self, client: AsyncClient, service: str, *, namespace: str = NAMESPACE, name: str = "") -> None:
        self.client, self.service, self.namespace = client, service, namespace
        self.name = name or f"canary-{service}"
        self._labels = {} if name else {LABEL: service}
        self._holder = ""
        self._ahead: timedelta | None = None

    async def look(self) -> Holding | None:
        """Who holds it; None: there is none. Nothing is changed."""
        try:
            found = await self.client.get(LeaseObject, self.name, namespace=self.namespace)
        except ApiError as error:
            if error.status.code == HTTPStatus.NOT_FOUND:
                return None
            raise
        spec, metadata = found.spec or LeaseSpec(), found.metadata or ObjectMeta()
        left = _left(spec, await self._now()) if spec.holderIdentity else 0.0
        died = process.gone((metadata.annotations or {}).get(PROCESS, ""))
        return Holding(spec.holderIdentity or "", left, metadata.resourceVersion or "", died)

    async def acquire(self, holder: str) -> None:
        """Take it, if it is free or already ours. Raises Held."""
        self._ahead = None  # clocks drift, and are set
        for _ in range(_TRIES):
            found = await self.look()
            if found and not found.free and found.holder != holder:
                raise Held(self.service, found.holder)
            if await self._take(holder, found):
                return
        raise Held(self.service, found.holder if found else "")

    async def steal(self, holder: str, reason: str) -> str:
        """Take it from whoever holds it, who is returned (empty: nobody); the reason stays on the Lease.

        Raises Held when somebody else was quicker: whom to steal from is decided by looking.
        """
        found = await self.look()
        if not await self._take(holder, found, {STOLEN: reason}):
            now = await self.look()
            raise Held(self.service, now.holder if now else "")
        return found.holder if found else ""

    async def renew(self) -> None:
        """Hold it for another EXPIRES_AFTER seconds. Raises Lost when it is no longer ours."""
        for _ in range(_TRIES):  # this process may renew it twice at the same time
            found = await self.look()
            if not self._holder or found is None or found.holder != self._holder:
                raise Lost(self.service, found.holder if found else "")
            if await self._patch(found, LeaseSpec(renewTime=await self._now()).to_dict()):
                return
        raise Lost(self.service, "")

    async def release(self) -> None:
        """Give it back; nothing happens when it is no longer ours."""
        holder, self._holder = self._holder, ""
        while holder and (found := await self.look()) and found.holder == holder:
            if await self._patch(found, {"holderIdentity": None}):
                return

    async def _take(self, holder: str, found: Holding | None, marks: Mapping[str, str] | None = None) -> bool:
        """Whether it is ours now; False: somebody was quicker."""
        now = await self._now()
        spec = LeaseSpec(holderIdentity=holder, leaseDurationSeconds=int(EXPIRES_AFTER), acquireTime=now, renewTime=now)
        annotations = {PROCESS: process.mark(), STOLEN: None, **(marks or {})}
        taken = await (self._patch(found, spec.to_dict(), annotations) if found else self._create(spec, annotations))
        if taken:
            self._holder = holder
        return taken

    async def _create(self, spec: LeaseSpec, annotations: Mapping[str, str | None]) -> bool:
        kept = {key: value for key, value in annotations.items() if value is not None}
        metadata = ObjectMeta(name=self.name, namespace=self.namespace, labels=self._labels, annotations=kept)
        return await _unless_overtaken(self.client.create(LeaseObject(metadata=metadata, spec=spec)))

    async def _patch(
        self, found: Holding, spec: Mapping[str, Any], annotations: Mapping[str, str | None] | None = None
    ) -> bool:
        metadata: dict[str, Any] = {"resourceVersion": found.resource_version}
        if annotations:
            metadata |= {"annotations": annotations, "labels": self._labels}
        patch = {"metadata": metadata, "spec": spec}
        return await _unless_overtaken(
            self.client.patch(LeaseObject, self.name, patch, namespace=self.namespace, patch_type=PatchType.MERGE)
        )

    async def _now(self) -> datetime:
        """The API server's time; never a whole second, which would be written without a fraction and be refused."""
        if self._ahead is None:
            self._ahead = await ahead(self.client, namespace=self.namespace)
        now = datetime.now(UTC) + self._ahead
        return now.replace(microsecond=now.microsecond or 1)


async def _unless_overtaken(write: Coroutine[Any, Any, Any]) -> bool:
    """Whether it was written; False when somebody else has written since we looked."""
    try:
        await write
    except ApiError as error:
        if error.status.code == HTTPStatus.CONFLICT:
            return False
        raise
    return True


def _left(spec: LeaseSpec, now: datetime) -> float:
    lasts = timedelta(seconds=spec.leaseDurationSeconds or EXPIRES_AFTER)
    return (spec.renewTime + lasts - now).total_seconds() if spec.renewTime else 0.0
