"""How is a pod asked for a page, its metrics for example? At its own address on this machine, else by the API server.

Where that is forbidden, or a network policy keeps the API server from pods, through `kubectl port-forward`, which comes
out inside the pod.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Protocol

import aiohttp
import httpx2
from lightkube.config import client_adapter
from lightkube.config.kubeconfig import SingleConfig
from lightkube.resources.core_v1 import Pod
from yarl import URL

from mesh.chosen_cluster import Cluster
from mesh.kubectl import Kubectl, find_kubectl
from mesh.local.progress import Progress
from mesh.local.settings import Settings
from mesh.port_forward import NoWayIn, forwarded

WITHIN = 2.0
DUG_AT_ONCE = 2
"""Tunnels: each is a process that begins, a fifth of a core's second, and customers may be waiting for that core."""
_BARRED = {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


class Unreached(Exception):
    """A pod does not answer; the message says why."""


class Way(Protocol):
    """One way to the pods of a cluster."""

    async def ask(self, pod: Pod, port: int, target: str) -> str:
        """What the pod answers there to GET `target`, a path with its query. Raises Unreached."""


class Direct:
    """Pods have addresses on this machine."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def ask(self, pod: Pod, port: int, target: str) -> str:
        address = (pod.status and pod.status.podIP) or ""
        return await _asked(self._http, f"http://{address}:{port}{target}")


class ThroughApiServer:
    """Pods are somewhere else, and the API server can ask them; where it may not, there is another way."""

    def __init__(self, http: httpx2.AsyncClient, otherwise: Way) -> None:
        self._http, self._otherwise = http, otherwise
        self._barred: set[tuple[str, int]] = set()

    async def ask(self, pod: Pod, port: int, target: str) -> str:
        name, namespace = _name(pod), pod.metadata and pod.metadata.namespace
        if (name, port) not in self._barred:  # a service's port refuses who comes without mTLS, its sidecar's does not
            url = f"/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy{target}"
            try:
                response = await self._http.get(url)
            except httpx2.HTTPError as error:
                raise Unreached(f"the API server does not answer: {error or type(error).__name__}") from error
            if response.status_code == HTTPStatus.OK:
                return response.text
            if response.status_code not in _BARRED:
                raise Unreached(f"the API server answers {response.status_code} for it")
            self._barred.add((name, port))
        return await self._otherwise.ask(pod, port, target)


class Tunnels:
    """A `kubectl port-forward` to each port that was asked, kept until the end."""

    def __init__(self, http: aiohttp.ClientSession, kubectl: Kubectl, held: AsyncExitStack) -> None:
        self._http, self._kubectl, self._held = http, kubectl, held
        self._ports: dict[tuple[str, int], int] = {}
        self._one_each: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._digging = asyncio.Semaphore(DUG_AT_ONCE)

    async def ask(self, pod: Pod, port: int, target: str) -> str:
        end = (_name(pod), port)
        async with self._one_each[end]:
            if end not in self._ports:
                self._ports[end] = await self._dig(pod, port)
        return await _asked(self._http, f"http://127.0.0.1:{self._ports[end]}{target}")

    async def _dig(self, pod: Pod, port: int) -> int:
        tunnel = forwarded(self._kubectl, str(pod.metadata and pod.metadata.namespace), f"pod/{_name(pod)}", port)
        try:
            async with self._digging:
                return await self._held.enter_async_context(tunnel)
        except NoWayIn as error:
            raise Unreached(str(error)) from error


@asynccontextmanager
async def way_to(cluster: Cluster, config: SingleConfig, settings: Settings, progress: Progress) -> AsyncIterator[Way]:
    """The way to the cluster's pods while the block runs. Raises BuildFailed when there is no kubectl to be had."""
    async with AsyncExitStack() as held:
        http = aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=WITHIN))
        direct = await held.enter_async_context(http)
        if cluster.local:
            yield Direct(direct)
            return
        usual = client_adapter.ConnectionParams(timeout=httpx2.Timeout(WITHIN), trust_env=False)
        through = await held.enter_async_context(client_adapter.AsyncClient(config, usual))
        yield ThroughApiServer(through, Tunnels(direct, find_kubectl(cluster, settings, progress), held))


async def _asked(http: aiohttp.ClientSession, url: str) -> str:
    try:
        async with http.get(URL(url, encoded=True)) as response:
            if response.status != HTTPStatus.OK:
                raise Unreached(f"it answers {response.status}")
            return await response.text()
    except TimeoutError:
        raise Unreached(f"it does not answer within {WITHIN:.0f} s") from None
    except aiohttp.ClientError as error:
        raise Unreached(f"it does not answer: {error}") from error


def _name(pod: Pod) -> str:
    return str(pod.metadata and pod.metadata.name)
