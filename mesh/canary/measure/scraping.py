"""The sidecars themselves are asked: everybody who may call the service, at the same time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from time import time
from typing import NamedTuple
from urllib.parse import quote

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import Pod

from mesh.canary.measure.callers import account, allowed, caller
from mesh.canary.measure.counters import Counters
from mesh.canary.measure.envoy_stats import Subject, counters, samples
from mesh.canary.measure.source import Caller, Reading, Source
from mesh.chosen_cluster import NAMESPACE, Cluster
from mesh.istio_kinds import AuthorizationPolicy
from mesh.kube_client import opened
from mesh.local.progress import Progress
from mesh.local.settings import Settings
from mesh.pod_pages import WITHIN, Unreached, Way, way_to

STATISTICS = "/stats/prometheus"
PORT = 15090


@asynccontextmanager
async def sidecars(
    cluster: Cluster, service: str, versions: Sequence[str], settings: Settings, progress: Progress
) -> AsyncIterator[Source]:
    """The sidecars of the service's callers, while the block runs.

    Raises NotRunning and ConfigError when there is no cluster, BuildFailed when kubectl is needed and cannot be had.
    """
    async with opened(cluster) as client, way_to(cluster, client.config, settings, progress) as way:
        yield Sidecars(client, way, Subject(service, NAMESPACE, versions), time)


class _Answer(NamedTuple):
    text: str
    counted: Mapping[str, Counters]


class Sidecars:
    """Asks every sidecar whose pod may call the service, at the same moment."""

    least_seconds = 0.0

    def __init__(self, client: AsyncClient, way: Way, subject: Subject, now: Callable[[], float]) -> None:
        self._client, self._way, self._subject, self._now = client, way, subject, now
        # usedonly: a sidecar that has never called a version has nothing to say about it.
        self._target = f"{STATISTICS}?usedonly&filter={quote(subject.filter, safe='')}"
        self._accounts: frozenset[str] | None = None
        self._policy_read = False
        self._pods: list[Pod] = []

    async def read(self) -> Reading:
        """What the sidecars have counted until now; who does not answer is missing, never an exception."""
        problem = await self._look_for_callers()
        at = self._now()
        callers = {found: pod for pod in self._pods if (found := caller(pod))}
        answers = await asyncio.gather(*(self._ask(pod) for pod in callers.values()))
        reached: dict[Caller, Mapping[str, Counters]] = {}
        missing, raw = [problem] if problem and not callers else [], []
        for one, answer in zip(callers, answers, strict=True):
            if isinstance(answer, Unreached):
                missing.append(f"{one.pod}: {answer}")
            else:
                reached[one] = answer.counted
                raw.append(f"# pod {one.pod} {one.life}\n{answer.text}")
        content = "".join(raw).encode()
        return Reading(at, reached, tuple(missing), hashlib.sha256(content).hexdigest(), content)

    async def _ask(self, pod: Pod) -> _Answer | Unreached:
        try:
            text = await self._way.ask(pod, PORT, self._target)
            return _Answer(text, counters(samples(text), self._subject))
        except Unreached as why:
            return why
        except ValueError as error:
            return Unreached(f"its sidecar says what is no statistic: {error}")

    async def _look_for_callers(self) -> str:
        """Learn which pods call, or why that cannot be known: then they are those of last time."""
        try:
            async with asyncio.timeout(WITHIN):
                if not self._policy_read:
                    self._accounts, self._policy_read = await self._read_policy(), True
                listed = [pod async for pod in self._client.list(Pod, namespace=self._subject.namespace)]
        except (ApiError, httpx2.HTTPError, TimeoutError) as error:
            return f"the API server does not say who calls {self._subject.service}: {error or type(error).__name__}"
        self._pods = [pod for pod in listed if self._accounts is None or account(pod) in self._accounts]
        return ""

    async def _read_policy(self) -> frozenset[str] | None:
        """Who may call; None (everybody) where that cannot be read."""
        try:
            policy = await self._client.get(
                AuthorizationPolicy, self._subject.service, namespace=self._subject.namespace
            )
        except ApiError:
            return None
        return allowed(policy.get("spec") or {}, self._subject.namespace)
