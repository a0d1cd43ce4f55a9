"""Everything of a pod that is files: its volumes, their contents, and the tokens in them, kept fresh."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import httpx2
from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.models.core_v1 import Volume
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod

from mesh.local.node.downward import UnsupportedField
from mesh.local.node.pod_spec import Offer
from mesh.local.node.references import MissingReference, References, fetch, named_by
from mesh.local.node.tokens import Token, request_token
from mesh.local.node.volumes import TokenWanted, VolumeSources, files_of, tokens_wanted, write_files

log = logging.getLogger(__name__)

REFRESH_SECONDS = 60.0


class VolumeProblem(Exception):
    """A volume cannot be offered yet; the text is the kubelet's for a failed mount."""


class PodFiles:
    """The folders of one pod's volumes. ConfigMaps and Secrets in them follow their objects, tokens are renewed."""

    def __init__(self, client: AsyncClient, pod: Pod, offer: Offer) -> None:
        self._client, self._pod, self._offer = client, pod, offer
        self._tokens: dict[TokenWanted, Token] = {}
        self._volumes = [volume for volume in _volumes(pod) if volume.name in offer.volumes]
        self._made = False
        self._making = asyncio.Lock()
        self.references = References("")

    async def make_once(self) -> None:
        """Make them unless they are made already, for whichever container comes first. Raises as `make` does."""
        async with self._making:
            if not self._made:
                await self.make()
                self._made = True

    def look_again(self) -> None:
        """Fetch what the pod names anew when they are needed next."""
        self._made = False

    async def make(self) -> None:
        """Fetch what the pod names and write every volume.

        Raises VolumeProblem, and httpx2.HTTPError when the API does not answer.
        """
        if self._pod.metadata is None or self._pod.spec is None:
            return
        namespace = self._pod.metadata.namespace or ""
        self.references = await fetch(self._client, namespace, named_by(self._pod.spec))
        await self._renew_tokens()
        await self._require_claims(namespace)
        for volume in self._volumes:
            self._write(volume)

    async def keep_fresh(self) -> None:
        """Do it again once a minute, for ever; a pod keeps what it has when the API does not answer."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.make()
            except (VolumeProblem, httpx2.HTTPError, OSError) as error:
                log.warning("volumes of %s not refreshed: %s", self._pod.metadata and self._pod.metadata.name, error)

    async def _require_claims(self, namespace: str) -> None:
        for volume in self._volumes:
            if volume.persistentVolumeClaim:
                name = volume.persistentVolumeClaim.claimName
                try:
                    await self._client.get(PersistentVolumeClaim, name, namespace=namespace)
                except ApiError as error:
                    if error.status.code != HTTPStatus.NOT_FOUND:
                        raise
                    raise VolumeProblem(f'persistentvolumeclaim "{name}" not found') from error

    async def _renew_tokens(self) -> None:
        for wanted in tokens_wanted(self._volumes):
            held = self._tokens.get(wanted)
            if held is None or held.stale(datetime.now(UTC)):
                self._tokens[wanted] = await request_token(
                    self._client, self._pod, audience=wanted.audience, seconds=wanted.seconds
                )

    def _write(self, volume: Volume) -> None:
        folder = self._offer.volumes[volume.name]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if volume.emptyDir is not None or volume.persistentVolumeClaim is not None:
            return
        tokens = {wanted: token.text for wanted, token in self._tokens.items()}
        sources = VolumeSources(self._pod, self._offer.addresses, self._offer.host_address, self.references, tokens)
        try:
            write_files(folder, files_of(volume, sources))
        except (MissingReference, UnsupportedField) as error:
            raise VolumeProblem(f'MountVolume.SetUp failed for volume "{volume.name}" : {error}') from error


def socket_paths(names: Iterable[str], folder: Path) -> dict[str, Path]:
    """A unix socket for each port name in `folder`. Raises VolumeProblem when Linux would refuse the path."""
    paths = {name: folder / f"{name}.sock" for name in names}
    for path in paths.values():
        if len(str(path).encode()) > _LONGEST_SOCKET_PATH:
            raise VolumeProblem(f"socket path is longer than {_LONGEST_SOCKET_PATH} bytes: {path}")
    return paths


_LONGEST_SOCKET_PATH = 107  # sockaddr_un's 108 with the final zero


def _volumes(pod: Pod) -> list[Volume]:
    return list((pod.spec.volumes if pod.spec else None) or [])
