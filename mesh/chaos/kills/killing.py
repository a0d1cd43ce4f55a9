"""Which process is killed next? One of those of a pod that is well, drawn from a seed; then the pod is let alone.

Kubernetes starts a container again at once the first time, and ever later after that. So each process of a pod is
killed once, and a pod all of whose processes were is replaced: otherwise most of a long run would be spent waiting.
"""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from lightkube.resources.core_v1 import Pod

from mesh.chaos.observe.readings import PROXY, label
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.local.absence import absence_is_fine
from mesh.local.reported import ready, staying
from mesh.running_shop import ShopError, pod_name

LOOK_AGAIN = 0.2
PATIENCE = 120.0  # seconds without a process that can be killed
AT_ONCE = 2
"""Pods that are not well, at most, before the next kill: on a slow machine killing waits for mending."""
GATEWAY = "gateway"


@dataclass(frozen=True)
class Kill:
    """One process that was killed; `at` in seconds since the first."""

    at: float
    pod: str
    app: str
    container: str


@dataclass(frozen=True)
class Victim:
    """One container's process."""

    pod: Pod
    container: str


class Killing:
    """Kills in a shop whose pods `pods` tells, at moments that are exponentially distributed."""

    def __init__(
        self,
        site: Site,
        pods: Callable[[], Iterable[Pod]],
        random: Random,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._site, self._pods, self._random, self._now, self._sleep = site, pods, random, now, sleep
        self._killed: defaultdict[str, set[str]] = defaultdict(set)  # containers, by pod

    async def kill(self, times: int, every: float) -> list[Kill]:
        """Kill so many processes, one in `every` seconds on average. Raises NotInjected when there is none to kill."""
        began, done = self._now(), list[Kill]()
        while len(done) < times:
            await self._sleep(self._random.expovariate(1 / every))
            victim = await self._victim()
            if not await self._hit(victim):
                continue
            name = pod_name(victim.pod)
            done.append(Kill(round(self._now() - began, 2), name, label(victim.pod, "app"), victim.container))
            self._site.say(f"{len(done)} of {times} processes killed; the last: {victim.container} of {name}")
        return done

    async def _victim(self) -> Victim:
        until = self._now() + PATIENCE
        while not (there := victims(self._pods(), self._killed)):
            if self._now() > until:
                raise NotInjected(f"no pod has a process that can be killed, for {PATIENCE:.0f} s")
            await self._sleep(LOOK_AGAIN)
        return self._random.choice(there)

    async def _hit(self, victim: Victim) -> bool:
        """Kill it, and have its pod replaced when it was the last; False when it has just ended by itself."""
        name = pod_name(victim.pod)
        self._killed[name].add(victim.container)
        try:
            await self._site.processes.signal(victim.pod, victim.container, signal.SIGKILL)
        except ShopError:
            return False
        if self._killed[name] >= set(containers(victim.pod)):
            with absence_is_fine():
                await self._site.client.delete(Pod, name, namespace=self._site.shop.namespace)
        return True


def victims(pods: Iterable[Pod], killed: Mapping[str, set[str]]) -> Sequence[Victim]:
    """Every process of the shop that may be killed now; none while AT_ONCE pods are on their way back."""
    there = sorted((pod for pod in pods if _of_the_shop(pod) and staying(pod)), key=pod_name)
    well = [pod for pod in there if ready(pod)]
    if len(there) - len(well) >= AT_ONCE:
        return []
    return [Victim(pod, each) for pod in well for each in containers(pod) if each not in killed.get(pod_name(pod), ())]


def _of_the_shop(pod: Pod) -> bool:
    return label(pod, "app.kubernetes.io/component") == "service" or label(pod, "app") == GATEWAY


def containers(pod: Pod) -> list[str]:
    """The names of those that run as long as the pod: its service and its proxy."""
    spec = pod.spec
    early = [each.name for each in (spec.initContainers if spec else None) or () if each.name == PROXY]
    return [*early, *(each.name for each in (spec.containers if spec else ()))]
