"""What do Envoy's statistics say about the versions of a service? Their names, labels and values, understood."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from grpc import StatusCode
from prometheus_client.parser import text_string_to_metric_families

from mesh.canary.measure.counters import Counters

_ANSWERED = re.compile(r"envoy_cluster_grpc_(\d+)")
_TOOK = "envoy_cluster_upstream_rq_time_bucket"
_MADE_GOOD = "envoy_cluster_upstream_rq_retry_success"
_RESET = "envoy_cluster_upstream_rq_tx_reset"
_TIMED_OUT = {
    "envoy_cluster_upstream_rq_timeout",
    "envoy_cluster_upstream_rq_per_try_timeout",
    "envoy_cluster_upstream_rq_max_duration_reached",
}
"""Attempts that the sidecar has reset itself: for those its caller got a status, or another attempt."""

_COUNTED = "timeout|per_try_timeout|max_duration_reached|retry_success|tx_reset"
SERIES = f"envoy_cluster_(grpc_[0-9]+|upstream_rq_(time_bucket|{_COUNTED}))"
"""A regular expression of these names in Prometheus."""

_STATUS_NAMES = {code.value[0]: code.name for code in StatusCode}


class Sample(NamedTuple):
    """One number that a sidecar gives out."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Subject:
    """The versions of one service, as sidecars name them: `outbound|50051|v2|catalog.shop.svc.cluster.local`."""

    service: str
    namespace: str
    versions: Sequence[str]

    @property
    def clusters(self) -> str:
        """A regular expression with which the names of their clusters begin; the subset is its only group."""
        return rf"outbound\|[0-9]+\|({'|'.join(self.versions)})\|{self.service}\.{self.namespace}\.svc\."

    @property
    def filter(self) -> str:
        """What Envoy is asked to answer with, and no more: these statistics of these clusters."""
        return rf"^cluster\.{self.clusters}[^;]*;?\.(grpc\.[0-9]+|upstream_rq_(time|{_COUNTED}))$"


def samples(text: str) -> Iterator[Sample]:
    """The numbers in what `/stats/prometheus` answers. Raises ValueError when it is nothing of the kind."""
    for family in text_string_to_metric_families(text):
        # The parser gives counters the ending that OpenMetrics wants of them; Envoy's have none.
        yield from (Sample(one.name.removesuffix("_total"), one.labels, one.value) for one in family.samples)


def counters(given: Iterable[Sample], subject: Subject) -> dict[str, Counters]:
    """What is counted of each version; one the sidecar has no statistics of is not named."""
    version_of = re.compile(subject.clusters)
    by_version: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in given:
        if found := version_of.match(sample.labels.get("cluster_name", "")):
            by_version[found[1]].append(sample)
    return {version: _counters(numbers) for version, numbers in by_version.items()}


def _counters(numbers: Sequence[Sample]) -> Counters:
    """Added up over the service's ports, of which there is usually one."""
    statuses: defaultdict[str, int] = defaultdict(int)
    latency: defaultdict[float, int] = defaultdict(int)
    for name, labels, value in numbers:
        if answered := _ANSWERED.fullmatch(name):
            statuses[_STATUS_NAMES.get(int(answered[1]), "UNKNOWN")] += int(value)
        elif name == _TOOK:
            latency[_bound(labels["le"])] += int(value)
    given_up = _total(numbers, _RESET.__eq__) - _total(numbers, _TIMED_OUT.__contains__)
    return Counters(dict(statuses), int(_total(numbers, _MADE_GOOD.__eq__)), max(0, int(given_up)), dict(latency))


def _total(numbers: Iterable[Sample], wanted: Callable[[str], bool]) -> float:
    return sum(sample.value for sample in numbers if wanted(sample.name))


def _bound(le: str) -> float:
    return math.inf if le == "+Inf" else float(le)
