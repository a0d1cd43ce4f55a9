"""What has changed from one look at the shop to the next? Circuits, ejected hosts, pods and routes; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lightkube.resources.core_v1 import Pod

from mesh.chaos.observe.counters import CHANGED, Server, Sidecar
from mesh.chaos.observe.readings import Asked, Reading
from mesh.chaos.observed import Event, Happened
from mesh.local.reported import ready, reason_of, staying

_COURSE = ("forced", "open", "half-open", "closed")
"""In which order a circuit comes to these states, when it came to several in between."""


def of_circuits(known: Mapping[Asked, Server], later: Reading, unix: float) -> Iterator[Event]:
    """Every state that a circuit came to since its process was known; of one that began after `unix`, all of them."""
    for pod, server in later.servers.items():
        grown = server.since(known.get(pod), unix)
        changed = [counter for counter, times in grown.items() if counter.what == CHANGED and times]
        for circuit in sorted(changed, key=lambda each: _COURSE.index(each.by)):
            yield Event(later.at, Happened.BREAKER, f"{pod.name} {pod.app}/{circuit.of}", facts={"state": circuit.by})


def of_ejections(known: Mapping[Asked, Sidecar], later: Reading) -> Iterator[Event]:
    """Every callee of which a caller's proxy has more or fewer hosts ejected than when it was known."""
    for pod, sidecar in later.sidecars.items():
        before = known[pod].ejected if pod in known else {}
        for cluster, hosts in sidecar.ejected.items():
            if hosts != before.get(cluster, 0.0):
                yield Event(later.at, Happened.EJECTION, f"{pod.name} {cluster}", facts={"ejected": int(hosts)})


@dataclass(frozen=True)
class Standing:
    """How a pod is."""

    ready: bool
    restarts: int
    staying: bool
    reason: str = ""

    @classmethod
    def of(cls, pod: Pod) -> Standing:
        """As the API server reports it; a proxy that is an init container restarts like the others."""
        status = pod.status
        containers = [
            *((status and status.containerStatuses) or ()),
            *((status and status.initContainerStatuses) or ()),
        ]
        restarts = sum(each.restartCount for each in containers)
        return cls(ready(pod), restarts, staying(pod), reason_of(status) if status else "")


def of_pod(at: float, name: str, before: Standing | None, now: Standing | None) -> Iterator[Event]:
    """What happened to a pod; None: it is not there."""
    if now is None:
        yield _pod(at, name, "gone", gone=True)
    elif before is None:
        yield _pod(at, name, "created", ready=now.ready, restarts=now.restarts)
    elif (before.ready, before.restarts, before.staying) != (now.ready, now.restarts, now.staying):
        words = "is ending" if not now.staying else "Ready" if now.ready else f"not Ready {now.reason}".strip()
        yield _pod(at, name, words, ready=now.ready, restarts=now.restarts)


def _pod(at: float, name: str, detail: str, **facts: Any) -> Event:
    return Event(at, Happened.POD, name, detail, facts)


def weights(spec: Mapping[str, Any]) -> Mapping[str, int]:
    """How a VirtualService's primary rule divides calls among versions; empty when it does not."""
    for rule in spec.get("http") or ():
        routes = rule.get("route") or ()
        if rule.get("name") == "primary" and len(routes) > 1:
            return {route["destination"].get("subset", ""): int(route.get("weight", 0)) for route in routes}
    return {}


def of_route(at: float, service: str, before: Mapping[str, int] | None, now: Mapping[str, int]) -> Iterator[Event]:
    """A canary's step: calls are divided otherwise than before."""
    if before is not None and before != now:
        words = ", ".join(f"{version} {weight} %" for version, weight in now.items())
        yield Event(at, Happened.CANARY, service, words, {"weights": dict(now)})
