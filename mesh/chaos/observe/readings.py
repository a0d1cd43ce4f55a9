"""What had everybody counted at one moment? Every service and every sidecar is asked, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import time
from typing import TypeVar

from lightkube.resources.core_v1 import Pod

from mesh.chaos.observe import counters
from mesh.chaos.observe.counters import METRICS, METRICS_PORT, STATISTICS, STATISTICS_PORT, Server, Sidecar
from mesh.local.reported import ended, staying
from mesh.pod_pages import Unreached, Way
from mesh.running_shop import pod_address, pod_name

PROXY = "istio-proxy"
Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class Asked:
    """One pod; `app` is the service it belongs to."""

    name: str
    app: str


@dataclass(frozen=True)
class Reading:
    """`at` is the moment before anybody was asked. Who did not answer is missing, with the reason."""

    at: float
    unix: float  # what the wall clock said then, as servers date their beginning
    servers: Mapping[Asked, Server]
    sidecars: Mapping[Asked, Sidecar]
    missing: Mapping[str, str]


async def read(way: Way, pods: Iterable[Pod], now: Callable[[], float], patience: float | None = None) -> Reading:
    """One reading of these pods; those that have no address yet, have ended, or are about to, are not asked.

    With `patience`, who takes more seconds to answer is missing: a frozen one must not blind us to the others.
    """
    at, unix = now(), time()
    there = [pod for pod in pods if pod_address(pod) and staying(pod) and not ended(pod)]
    services = [pod for pod in there if label(pod, "app.kubernetes.io/component") == "service"]
    servers, sidecars = await asyncio.gather(
        _answers(way, services, METRICS_PORT, METRICS, patience),
        _answers(way, [pod for pod in there if _has_proxy(pod)], STATISTICS_PORT, STATISTICS, patience),
    )
    unreached = [(asked.name, said) for asked, said in [*servers.items(), *sidecars.items()]]
    return Reading(
        at,
        unix,
        await _parsed(servers, counters.server),
        await _parsed(sidecars, counters.sidecar),
        {name: str(why) for name, why in unreached if isinstance(why, Unreached)},
    )


async def _parsed(said: Mapping[Asked, str | Unreached], parse: Callable[[str], Parsed]) -> dict[Asked, Parsed]:
    """What was said by those who answered. One takes milliseconds, and customers' calls are due between any two."""
    parsed: dict[Asked, Parsed] = {}
    for asked, text in said.items():
        if isinstance(text, str):
            parsed[asked] = parse(text)
            await asyncio.sleep(0)
    return parsed


async def _answers(
    way: Way, pods: Iterable[Pod], port: int, target: str, patience: float | None
) -> Mapping[Asked, str | Unreached]:
    async def ask(pod: Pod) -> str | Unreached:
        try:
            async with asyncio.timeout(patience):
                return await way.ask(pod, port, target)
        except Unreached as why:
            return why
        except TimeoutError:
            return Unreached(f"it does not answer within {patience} s")

    asked = {Asked(pod_name(pod), label(pod, "app")): ask(pod) for pod in pods}
    return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))


def label(pod: Pod, name: str) -> str:
    """The value of the pod's label; empty when it has none."""
    labels: Mapping[str, str] = (pod.metadata and pod.metadata.labels) or {}
    return labels.get(name, "")


def _has_proxy(pod: Pod) -> bool:
    """Also as an init container, which goes on running."""
    spec = pod.spec
    containers = [*(spec.containers if spec else []), *((spec.initContainers if spec else None) or [])]
    return any(container.name == PROXY for container in containers)
