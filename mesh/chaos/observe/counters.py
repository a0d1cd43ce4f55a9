"""What do a service's metrics and its sidecar's statistics say? Their lines, understood; no I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from prometheus_client.parser import text_string_to_metric_families

METRICS_PORT, METRICS = 9464, "/metrics"
STATISTICS_PORT = 15090
STATISTICS = f"/stats/prometheus?usedonly&filter={quote('(ejections_active|aborts_injected)$', safe='')}"

_EJECTED = "envoy_cluster_outlier_detection_ejections_active"
_ABORTED = "envoy_http_fault_aborts_injected"


class Counter(NamedTuple):
    """One number that only grows. `of` is the service that is called; `by` a status, a bound in seconds, or a state."""

    what: str
    of: str
    by: str = ""


STARTED, HANDLED, TOOK, CALLED, REJECTED, ABORTED = "started", "handled", "took", "called", "rejected", "aborted"
CHANGED = "changed"  # a circuit: `of` is peer/group, `by` the state it came to
_OF_CALLS = {
    "argosy_server_started_total": (STARTED, ""),
    "argosy_server_handled_total": (HANDLED, "code"),
    "argosy_server_handling_seconds_bucket": (TOOK, "le"),
    "argosy_client_calls_total": (CALLED, ""),
    "argosy_client_rejected_total": (REJECTED, ""),
    "argosy_client_bulkhead_rejected_total": (REJECTED, ""),
}
_CHANGED, _BEGAN = "argosy_breaker_transitions_total", "process_start_time_seconds"

Counts = Mapping[Counter, float]


@dataclass(frozen=True)
class Server:
    """What one process of a service has counted since it began; that is seconds of its machine's wall clock."""

    began: float = 0.0
    counts: Counts = field(default_factory=dict)

    def since(self, known: Server | None, unix: float) -> Counts:
        """What it has counted since it was `known`: everything, when it began after `unix`; otherwise nobody knows."""
        if known and known.began == self.began:
            return {counter: value - known.counts.get(counter, 0.0) for counter, value in self.counts.items()}
        return self.counts if self.began >= unix else {}


@dataclass(frozen=True)
class Sidecar:
    """How many calls a proxy has answered itself, for a fault's sake, and how many hosts of each cluster it ejects."""

    aborted: float = 0.0
    ejected: Mapping[str, float] = field(default_factory=dict)


def server(text: str) -> Server:
    """What `/metrics` says. Raises ValueError when it is nothing of the kind."""
    began, counts = 0.0, defaultdict[Counter, float](float)
    for name, labels, value in _samples(text, (*_OF_CALLS, _CHANGED, _BEGAN)):
        if name == _BEGAN:
            began = value
        elif counter := _counter(name, labels):
            counts[counter] += value
    return Server(began, dict(counts))


def _counter(name: str, labels: Mapping[str, str]) -> Counter | None:
    if name == _CHANGED:
        return Counter(CHANGED, f"{labels['peer']}/{labels['group']}", labels["state"])
    service, (what, by) = _service(labels["method"]), _OF_CALLS[name]
    return Counter(what, service, labels.get(by, "")) if service else None  # the others are health checks


def _service(method: str) -> str:
    """`payments` of /shop.payments.v1.PaymentsService/Charge; empty for what is not the shop's."""
    package, _, rest = method.removeprefix("/").partition(".")
    return rest.partition(".")[0] if package == "shop" else ""


def sidecar(text: str) -> Sidecar:
    """What STATISTICS says. Raises ValueError when it is nothing of the kind."""
    aborted, ejected = 0.0, {}
    for name, labels, value in _samples(text, (_EJECTED, _ABORTED)):
        if name.startswith(_EJECTED):
            ejected[labels["cluster_name"]] = value
        elif labels.get("http_conn_manager_prefix", "").startswith("inbound"):
            aborted += value
    return Sidecar(aborted, ejected)


def _samples(text: str, wanted: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Name, labels and value of the lines that begin so."""
    for line in text.splitlines():
        if line.startswith(wanted):
            series, _, value = line.rpartition(" ")
            name, labels = _series(series)
            yield name, labels, float(value)


@lru_cache(maxsize=50_000)
def _series(text: str) -> tuple[str, Mapping[str, str]]:
    """What stands before a value, parsed once: pages repeat it, and to parse it anew would delay the load."""
    ((sample,),) = (family.samples for family in text_string_to_metric_families(f"{text} 0\n"))
    return sample.name, sample.labels
