"""Istio's proxy beside one pod: described to istiod, given its identity, started, asked whether it is ready."""

from __future__ import annotations

import asyncio
import logging
import shutil
from datetime import UTC, datetime

import aiohttp
import httpx2
from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.models.core_v1 import HTTPGetAction
from lightkube.resources.core_v1 import ConfigMap

from mesh.local.node import sidecar
from mesh.local.node.config import NodeConfig
from mesh.local.node.container import Check, NotYet, Prepared
from mesh.local.node.container_state import Waiting
from mesh.local.node.mesh_registration import MeshRegistration, sidecar_spec
from mesh.local.node.pod_files import REFRESH_SECONDS
from mesh.local.node.pod_plan import PodPlan, socket_name
from mesh.local.node.pod_roles import Proxy
from mesh.local.node.pod_spec import Command
from mesh.local.node.probe_schedule import Thresholds
from mesh.local.node.probes import ProbeTarget, Unhealthy, ask_http
from mesh.local.node.tokens import Token, request_token
from mesh.local.node.volumes import VolumeFile, write_file

log = logging.getLogger(__name__)

_READY = HTTPGetAction(port=sidecar.STATUS_PORT, path="/healthz/ready")
# Patient once it is ready: a proxy that ends is seen at once, and a busy machine makes any answer late.
_READINESS = Thresholds(period=2.0, timeout=3.0, failures=3)
_GATEWAY_DRAIN_SECONDS = 2.0
_GATEWAY_FINISH_SECONDS = 1.0


class PodProxy:
    """One pod's istio-proxy."""

    def __init__(self, client: AsyncClient, config: NodeConfig, plan: PodPlan) -> None:
        self._client, self._config = client, config
        self._pod, self._proxy, self._offer = plan.pod, plan.proxy, plan.offer
        self._folder = plan.folder / "proxy"
        self._captured = plan.captured
        self._token: Token | None = None

    async def prepare(self) -> Prepared:
        """Everything needed to start it; raises NotYet."""
        # A container starts with fresh files: pilot-agent would wait for whoever left a socket behind.
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            await asyncio.gather(self._describe(), self._write_token(), self._write_root_certificate())
        except httpx2.HTTPError as error:
            raise NotYet(Waiting("ContainerCreating", f"{type(error).__name__}: {error}"), "FailedMount") from error
        for path, file in sidecar.proxy_files(self._pod, self._config, self._offer.addresses).items():
            write_file(self._folder / path, file)
        command = sidecar.proxy_command(self._pod, self._proxy, self._config, self._offer, self._folder)
        return Prepared(
            command=command,
            readiness=Check(_READINESS, lambda: self._check_ready(command)),
            pre_stop=self._close_gently if self._proxy is Proxy.GATEWAY else None,
        )

    async def keep_fresh(self) -> None:
        """Renew its token and root, for ever; pilot-agent reads the files anew when it asks for a certificate."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await asyncio.gather(self._write_token(), self._write_root_certificate())
            except (httpx2.HTTPError, NotYet, OSError) as error:
                log.warning("identity of %s not renewed: %s", self._folder, error)

    async def drain(self) -> None:
        """Tell callers to go elsewhere: new calls are still answered, connections end after their next answer."""
        await self._drain_listeners("graceful&skip_exit" + ("" if self._proxy is Proxy.GATEWAY else "&inboundonly"))

    async def _close_gently(self) -> None:
        """What a gateway does before it ends: it drains, then stops accepting and lets running calls finish.

        Another gateway that listens on the same port gets the connections that this one no longer accepts.
        """
        await asyncio.sleep(_GATEWAY_DRAIN_SECONDS)
        await self._drain_listeners("skip_exit")
        await asyncio.sleep(_GATEWAY_FINISH_SECONDS)

    async def _drain_listeners(self, options: str) -> None:
        url = f"http://{self._offer.addresses.pod}:{sidecar.ADMIN_PORT}/drain_listeners?{options}"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session,
                session.post(url) as response,
            ):
                await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            log.info("proxy of %s did not drain: %s", self._folder, error)

    async def _describe(self) -> None:
        if self._proxy is not Proxy.SIDECAR:
            return
        sockets = {port.containerPort: str(self._offer.sockets[socket_name(port)]) for port in self._captured}
        spec = sidecar_spec(self._pod, self._offer.addresses, self._captured, sockets)
        await MeshRegistration(self._client, self._config.name).describe(self._pod, spec)

    async def _write_token(self) -> None:
        if self._token is None or self._token.stale(datetime.now(UTC)):
            self._token = await request_token(
                self._client, self._pod, audience=sidecar.TOKEN_AUDIENCE, seconds=sidecar.TOKEN_SECONDS
            )
        write_file(self._folder / sidecar.TOKEN_FILE, VolumeFile(self._token.text.encode(), 0o600))

    async def _write_root_certificate(self) -> None:
        namespace = self._pod.metadata.namespace if self._pod.metadata else None
        try:
            config = await self._client.get(ConfigMap, sidecar.ROOT_CONFIG_MAP, namespace=namespace)
        except ApiError as error:
            words = f"istiod has not written ConfigMap {sidecar.ROOT_CONFIG_MAP} yet: {error}"
            raise NotYet(Waiting("ContainerCreating", words), "FailedMount") from error
        certificate = (config.data or {}).get(sidecar.ROOT_CONFIG_KEY, "")
        write_file(self._folder / sidecar.ROOT_FILE, VolumeFile(certificate.encode(), 0o600))

    async def _check_ready(self, command: Command) -> None:
        """Envoy has its first configuration, and accepts connections where callers will dial."""
        await ask_http(_READY, ProbeTarget(self._offer.addresses.pod, {}, {}, command))
        for port in self._captured:
            await self._check_listening(port.containerPort)

    async def _check_listening(self, port: int) -> None:
        try:
            _, writer = await asyncio.open_connection(self._offer.addresses.pod, port)
        except OSError as error:
            raise Unhealthy(f"Envoy does not listen on {self._offer.addresses.pod}:{port}: {error}") from error
        writer.close()
