"""What did the servers of each service count in each phase? From readings, with no I/O.

Counters of a process that has ended are those of its last reading: what it counted after that is lost, which is at most
the time between two readings.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from mesh.chaos.experiment import Phase
from mesh.chaos.observe.counters import (
    ABORTED,
    CALLED,
    HANDLED,
    REJECTED,
    STARTED,
    TOOK,
    Counter,
    Counts,
)
from mesh.chaos.observe.readings import Reading
from mesh.chaos.observed import Served, Window

INJECTED = "UNAVAILABLE"  # the status of what a sidecar has answered itself because a fault was there
_LATE = 0.99


def served(readings: Sequence[Reading], window: Window) -> Mapping[str, Mapping[str, Served]]:
    """By phase, then service. What no reading lies between is left out."""
    bounds = {
        Phase.STEADY: (window.steady, window.injected),
        Phase.FAULT: (window.injected, window.removed),
        Phase.AFTER: (window.removed, window.ended),
    }
    phases = {phase: _nearest(readings, *bound) for phase, bound in bounds.items()}
    return {phase.value: _served(growth(between)) for phase, between in phases.items() if len(between) > 1}


def growth(readings: Sequence[Reading]) -> Counts:
    """How much every counter grew from the first of these readings to the last, over all pods."""
    found: defaultdict[Counter, float] = defaultdict(float)
    first = readings[0]
    known, aborted = dict(first.servers), {pod: said.aborted for pod, said in first.sidecars.items()}
    for later in readings[1:]:
        for pod, server in later.servers.items():
            for counter, grown in server.since(known.get(pod), first.unix).items():
                found[counter] += grown
        for pod, sidecar in later.sidecars.items():
            counted = aborted.get(pod, 0.0)
            found[Counter(ABORTED, pod.app)] += sidecar.aborted - (counted if counted <= sidecar.aborted else 0.0)
        known |= later.servers
        aborted |= {pod: said.aborted for pod, said in later.sidecars.items()}
    return dict(found)


def _nearest(readings: Sequence[Reading], start: float, end: float) -> Sequence[Reading]:
    """From the reading next to `start` to the one next to `end`."""
    at = [reading.at for reading in readings]
    if not at:
        return ()
    first, last = (min(range(len(at)), key=lambda index: abs(at[index] - moment)) for moment in (start, end))
    return readings[first : last + 1]


def _served(grown: Counts) -> Mapping[str, Served]:
    services = sorted(
        {counter.of for counter in grown if grown[counter] and counter.what in {STARTED, CALLED, ABORTED}}
    )
    return {service: _of(service, grown) for service in services}


def _of(service: str, grown: Counts) -> Served:
    counts: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for counter, value in grown.items():
        if counter.of == service and value:
            counts[counter.what][counter.by] = value
    aborted = counts[ABORTED].get("", 0.0)
    if aborted:
        counts[HANDLED][INJECTED] = counts[HANDLED].get(INJECTED, 0.0) + aborted
    return Served(
        started=counts[STARTED].get("", 0.0) + aborted,
        statuses=counts[HANDLED],
        rejected=counts[REJECTED].get("", 0.0),
        p99=_quantile(counts[TOOK]),
        called=counts[CALLED].get("", 0.0),
    )


def _quantile(buckets: Mapping[str, float]) -> float:
    """Seconds, the bound of the bucket that holds the slowest hundredth; 0 when nothing was counted."""
    bounds = sorted((math.inf if le == "+Inf" else float(le), count) for le, count in buckets.items())
    wanted = _LATE * bounds[-1][1] if bounds else 0.0
    finite = [bound for bound, _ in bounds if bound < math.inf]
    return next((min(bound, finite[-1]) for bound, count in bounds if finite and count >= wanted > 0), 0.0)
