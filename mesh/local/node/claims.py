"""PersistentVolumeClaims as folders: each claim gets a volume of its own, and is bound to it.

The folder is state_dir/volumes/<namespace>/<claim>. It outlives pods and goes with its claim. The local cluster
runs no volume controllers, so the node does both of their parts: it provides the volume and binds the two.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import httpx2
from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.models.core_v1 import HostPathVolumeSource, ObjectReference, PersistentVolumeSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import PersistentVolume, PersistentVolumeClaim

from mesh.local.absence import absence_is_fine
from mesh.local.node.following import Changed, Deleted, follow

log = logging.getLogger(__name__)

PROVISIONER = "argosy.dev/folder"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_EXISTS = 409


class Claims:
    """Keeps every claim bound to a folder."""

    def __init__(self, client: AsyncClient, folder: Path) -> None:
        self._client, self._folder = client, folder

    async def keep_bound(self) -> None:
        """Bind new claims and remove what deleted ones had, for ever."""
        async for news in follow(self._client, PersistentVolumeClaim):
            try:
                if isinstance(news, Deleted):
                    await self._remove(news.object)
                elif isinstance(news, Changed):
                    await self._bind(news.object)
                else:
                    for claim in news.objects:
                        await self._bind(claim)
            except httpx2.HTTPError as error:
                log.warning("claim not bound or removed: %s", error)

    async def _bind(self, claim: PersistentVolumeClaim) -> None:
        bound = claim.status is not None and claim.status.phase == "Bound"
        if bound or claim.metadata is None or claim.spec is None or claim.metadata.deletionTimestamp is not None:
            return
        folder = self._folder / (claim.metadata.namespace or "") / (claim.metadata.name or "")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        volume = _volume_for(claim, folder)
        try:
            await self._client.create(volume)
        except ApiError as error:
            if error.status.code != _EXISTS:
                raise
        name = _volume_name(claim)
        await self._client.patch(PersistentVolume.Status, name, {"status": {"phase": "Bound"}})
        await self._point_claim_at(claim, name)

    async def _point_claim_at(self, claim: PersistentVolumeClaim, volume: str) -> None:
        metadata, spec = claim.metadata or ObjectMeta(), claim.spec
        name, namespace = metadata.name or "", metadata.namespace
        annotations = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
        change = {"metadata": {"annotations": annotations}, "spec": {"volumeName": volume}}
        await self._client.patch(PersistentVolumeClaim, name, change, namespace=namespace)
        status = {"phase": "Bound", "accessModes": spec and spec.accessModes, "capacity": _requested(claim)}
        await self._client.patch(PersistentVolumeClaim.Status, name, {"status": status}, namespace=namespace)

    async def _remove(self, claim: PersistentVolumeClaim) -> None:
        metadata = claim.metadata or ObjectMeta()
        shutil.rmtree(self._folder / (metadata.namespace or "") / (metadata.name or ""), ignore_errors=True)
        name = _volume_name(claim)
        with absence_is_fine():
            # Nothing else would lift the finalizer that protects volumes in use.
            await self._client.patch(PersistentVolume, name, {"metadata": {"finalizers": None}})
            await self._client.delete(PersistentVolume, name)


def _volume_for(claim: PersistentVolumeClaim, folder: Path) -> PersistentVolume:
    metadata, spec = claim.metadata or ObjectMeta(), claim.spec
    reference = ObjectReference(
        apiVersion="v1",
        kind="PersistentVolumeClaim",
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
    )
    return PersistentVolume(
        metadata=ObjectMeta(name=_volume_name(claim), annotations={_PROVISIONED_BY: PROVISIONER}),
        spec=PersistentVolumeSpec(
            capacity=_requested(claim),
            accessModes=spec.accessModes if spec else None,
            storageClassName=spec.storageClassName if spec else None,
            persistentVolumeReclaimPolicy="Delete",
            claimRef=reference,
            hostPath=HostPathVolumeSource(path=str(folder), type="DirectoryOrCreate"),
        ),
    )


def _volume_name(claim: PersistentVolumeClaim) -> str:
    return f"pvc-{claim.metadata.uid if claim.metadata else ''}"


def _requested(claim: PersistentVolumeClaim) -> dict[str, str]:
    resources = claim.spec.resources if claim.spec else None
    return dict((resources.requests if resources else None) or {})
