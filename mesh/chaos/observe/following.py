"""How do pods and routes change while one watches? Told as events; the pods there are, for whoever has to ask them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Pod

from mesh.chaos.observe.changes import Standing, of_pod, of_route, weights
from mesh.chaos.observed import Event
from mesh.chaos.undo import LABEL
from mesh.istio_kinds import VirtualService
from mesh.local.node.following import Changed, Deleted, Listed, follow
from mesh.running_shop import pod_name

Tell = Callable[[Iterable[Event]], None]
Now = Callable[[], float]


class Pods:
    """The pods of a namespace as they were last reported, also while the API server is away."""

    def __init__(self, known: Iterable[Pod]) -> None:
        self.known = {pod_name(pod): pod for pod in known}

    async def follow(self, client: AsyncClient, namespace: str, now: Now, tell: Tell) -> None:
        """Keep them up, and tell what changes, for ever."""
        async for change in follow(client, Pod, namespace):
            match change:
                case Listed(objects):
                    there = {pod_name(pod): pod for pod in objects}
                case Deleted(pod):
                    there = {name: one for name, one in self.known.items() if name != pod_name(pod)}
                case Changed(pod):
                    there = self.known | {pod_name(pod): pod}
            tell(event for name in sorted(self.known | there) for event in self._news(name, there, now()))
            self.known = there

    def _news(self, name: str, there: dict[str, Pod], at: float) -> list[Event]:
        before, pod = self.known.get(name), there.get(name)
        if _is_part_of_the_fault(before) or _is_part_of_the_fault(pod):
            return []
        return list(of_pod(at, name, Standing.of(before) if before else None, Standing.of(pod) if pod else None))


def _is_part_of_the_fault(pod: Pod | None) -> bool:
    """What an experiment has made starts and ends with it, and tells nothing about the shop."""
    return bool(pod and pod.metadata and LABEL in (pod.metadata.labels or {}))


async def follow_routes(client: AsyncClient, namespace: str, now: Now, tell: Tell) -> None:
    """Tell of every change of how calls are divided among versions, for ever."""
    known: dict[str, dict[str, int]] = {}
    async for change in follow(client, VirtualService, namespace):
        changed = (
            change.objects if isinstance(change, Listed) else [] if isinstance(change, Deleted) else [change.object]
        )
        for one in changed:
            name = str(one.metadata and one.metadata.name)
            now_divided = dict(weights(one.get("spec") or {}))
            tell(of_route(now(), name, known.get(name), now_divided))
            known[name] = now_divided
