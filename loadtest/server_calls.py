"""How often was a method really tried? Counted at its servers, where nobody who retries can hide a try.

A try is a call that a server began (argosy_server_started_total), or one that the server's own sidecar answered
in its place because a fault is injected there (Envoy's aborts_injected; see server_fault.py).
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from loadtest.bench.local_cluster import LocalCluster
from mesh.running_shop import Shop, pod_address, pod_name

METRICS_PORT = 9464
STARTED = "argosy_server_started_total"
HANDLED = "argosy_server_handled_total"  # by status
ATTEMPTED = "argosy_client_attempts_total"  # by their callers, tries on the wire, by status
CALLED = "argosy_client_calls_total"  # by their callers, whatever became of them
REJECTED = "argosy_client_rejected_total"  # tries that an open circuit kept off the wire
ABORTED = "aborts_injected"
READ = {STARTED, HANDLED, ATTEMPTED, CALLED, REJECTED}
BEGAN = "process_start_time_seconds"
PATIENCE = aiohttp.ClientTimeout(total=5.0)


class Series(NamedTuple):
    """One counter of one process; an abort has no method, because Envoy does not say which."""

    app: str
    pod: str
    began: float  # when the process began: one that was started again in the same pod counts anew
    metric: str
    method: str
    code: str = ""  # gRPC's, where it is counted by that


Counts = Mapping[Series, float]


async def read_counts(shop: Shop, cluster: LocalCluster, apps: Sequence[str]) -> Counts:
    """What the pods of `apps` have counted so far; a pod that does not answer counts nothing.

    Pods' addresses are reached directly, which only works on this machine.
    """
    pods = [(app, pod_name(pod), pod_address(pod)) for app in apps for pod in await shop.pods(app)]
    sidecars = cluster.sidecars()
    async with aiohttp.ClientSession(trust_env=False, timeout=PATIENCE) as http:
        read = [_of_server(http, app, pod, address) for app, pod, address in pods]
        read += [_of_sidecar(http, app, pod, sidecars[pod]) for app, pod, _ in pods if pod in sidecars]
        found: dict[Series, float] = {}
        for counts in await asyncio.gather(*read):
            found |= counts
    return found


async def _of_server(http: aiohttp.ClientSession, app: str, pod: str, address: str) -> Counts:
    began, counters = parse(await _get(http, f"http://{address}:{METRICS_PORT}/metrics"))
    return {Series(app, pod, began, *counter): value for counter, value in counters.items()}


async def _of_sidecar(http: aiohttp.ClientSession, app: str, pod: str, admin: str) -> Counts:
    text = await _get(http, f"http://{admin}/stats?filter={ABORTED}")
    return {Series(app, pod, 0.0, ABORTED, ""): aborts(text)}


async def _get(http: aiohttp.ClientSession, url: str) -> str:
    try:
        async with http.get(url) as response:
            return await response.text()
    except (aiohttp.ClientError, TimeoutError):
        return ""  # the process behind it was just killed or frozen: that is what is being measured


def parse(text: str) -> tuple[float, Mapping[tuple[str, str, str], float]]:
    """When the process began, and its counters by metric, method and status, from what Prometheus would scrape."""
    began = 0.0
    counters: dict[tuple[str, str, str], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == BEGAN:
                began = sample.value
            elif sample.name in READ:
                key = sample.name, sample.labels["method"], sample.labels.get("code", "")
                counters[key] = counters.get(key, 0.0) + sample.value
    return began, counters


def aborts(text: str) -> float:
    """How many calls a sidecar has answered itself, from Envoy's `name: value` lines."""
    return sum(float(value) for name, value in _lines(text) if name.startswith("http.inbound"))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.rpartition(": ")
        yield name, value


def growth(before: Counts, after: Counts) -> Counts:
    """How much every counter grew; what a process counted that has ended since is lost."""
    return {series: value - before.get(series, 0.0) for series, value in after.items()}


def total(grown: Counts, **wanted: Any) -> float:
    """The sum over the series whose fields are as wanted: `total(grown, app="catalog", metric=STARTED)`."""
    return sum(
        value
        for series, value in grown.items()
        if all(getattr(series, field) == wish for field, wish in wanted.items())
    )


def tries(grown: Counts, app: str, method: str) -> float:
    """How often `method` of `app` was tried, if no other method of it had faults injected."""
    return total(grown, app=app, metric=STARTED, method=method) + total(grown, app=app, metric=ABORTED)
