"""A Prometheus server is asked what it has scraped from the callers' sidecars: the same counters, some seconds old.

Samples are taken as they were scraped, with their times, and never averaged or extended: so this source and the
sidecars themselves give the same numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from statistics import median
from time import time
from typing import Any, NamedTuple

import aiohttp

from mesh.canary.measure.counters import Counters
from mesh.canary.measure.envoy_stats import SERIES, Sample, Subject, counters
from mesh.canary.measure.source import Caller, Reading
from mesh.canary.problems import CanaryError, Refused
from mesh.chosen_cluster import NAMESPACE

_WITHIN = aiohttp.ClientTimeout(total=5)
_LOOK_BACK = 300.0
"""Seconds, once, to see how often sidecars are scraped: rarer than every two minutes is too rare."""
_ENOUGH = 300
_STALE_AFTER = 3
"""Scrapes that a sidecar may miss; then what is known of it is old."""


@asynccontextmanager
async def prometheus(url: str, service: str, versions: Sequence[str]) -> AsyncIterator[Prometheus]:
    """What this server knows of the service's callers, while the block runs.

    Raises CanaryError when it does not answer, Refused when it knows nothing of them.
    """
    async with aiohttp.ClientSession(trust_env=False, timeout=_WITHIN) as http:
        server = _Server(http, url.rstrip("/"))
        subject = Subject(service, NAMESPACE, versions)
        skew = await server.now() - time()
        interval = _interval(_series((await server.ask(_query(subject, _LOOK_BACK))).result))
        if interval is None:
            raise Refused(
                f"Prometheus at {url} has no statistics of calls to {service} {' or '.join(versions)};"
                " does it scrape the sidecars, and do those count by subset?"
            )
        yield Prometheus(server, subject, interval, skew, time)


class Prometheus:
    """Readings from a Prometheus server that scrapes the sidecars every `interval` seconds."""

    def __init__(
        self, server: _Server, subject: Subject, interval: float, skew: float, now: Callable[[], float]
    ) -> None:
        self._server, self._subject, self._now = server, subject, now
        self._oldest = _STALE_AFTER * interval
        self.least_seconds = 2 * interval
        self.skew = skew
        """By how many seconds the server's clock is ahead of ours."""

    async def read(self) -> Reading:
        """What every sidecar had counted when it was scraped last; who was not lately is missing."""
        at = self._now()
        try:
            answer = await self._server.ask(_query(self._subject, 2 * self._oldest))
        except CanaryError as error:
            return Reading(at, {}, (str(error),), hashlib.sha256(b"").hexdigest())
        reached: dict[Caller, Mapping[str, Counters]] = {}
        missing = []
        for pod, scrape in _scrapes(_series(answer.result)).items():
            age = at + self.skew - scrape.at
            if age > self._oldest:
                missing.append(f"{pod}: last scraped {age:.0f} s ago")
            else:
                reached[Caller(pod, "", 0.0)] = counters(scrape.samples, self._subject)
        return Reading(at, reached, tuple(missing), hashlib.sha256(answer.raw).hexdigest(), answer.raw)


class _Server:
    """The part of a Prometheus server's API that is used."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, url

    async def now(self) -> float:
        """The server's time. Raises CanaryError."""
        return float((await self.ask("time()")).result[0])

    async def ask(self, query: str) -> _Answer:
        """The answer to a query, as of now. Raises CanaryError."""
        try:
            async with self._http.post(f"{self._url}/api/v1/query", data={"query": query}) as response:
                raw = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CanaryError(f"Prometheus at {self._url} does not answer: {error or type(error).__name__}") from error
        try:
            return _Answer(raw, json.loads(raw)["data"]["result"])
        except (ValueError, KeyError, TypeError):
            said = raw.decode(errors="replace").strip()[:_ENOUGH]
            raise CanaryError(f"Prometheus at {self._url} answers {response.status}: {said}") from None


class _Answer(NamedTuple):
    raw: bytes
    result: list[Any]


class _Series(NamedTuple):
    labels: Mapping[str, str]
    values: Sequence[tuple[float, str]]  # (time, value), oldest first


class _Scrape(NamedTuple):
    """What one target said at one time."""

    at: float
    samples: Sequence[Sample]


def _query(subject: Subject, seconds: float) -> str:
    """Every sample of the last `seconds`; json.dumps writes strings as PromQL reads them."""
    names, clusters = json.dumps(SERIES), json.dumps(f"{subject.clusters}.*")
    return f"{{__name__=~{names},cluster_name=~{clusters}}}[{round(1000 * seconds)}ms]"


def _series(result: Sequence[Mapping[str, Any]]) -> list[_Series]:
    return [_Series(one["metric"], one["values"]) for one in result]


def _interval(series: Sequence[_Series]) -> float | None:
    """How often the rarest scraped target is scraped; None when nobody knows."""
    times = [[at for at, _ in one.values] for one in series if len(one.values) > 1]
    return max((median(later - earlier for earlier, later in pairwise(each)) for each in times), default=None)


def _scrapes(series: Sequence[_Series]) -> dict[str, _Scrape]:
    """The last scrape of every pod, by one of its targets: two jobs may scrape the same sidecar."""
    targets: defaultdict[str, defaultdict[tuple[str, str], list[_Series]]] = defaultdict(lambda: defaultdict(list))
    for one in series:
        instance = one.labels.get("instance", "")
        pod = one.labels.get("pod") or instance.rpartition(":")[0]
        targets[pod][one.labels.get("job", ""), instance].append(one)
    return {pod: _last(of[min(of)]) for pod, of in sorted(targets.items())}


def _last(series: Sequence[_Series]) -> _Scrape:
    """The series that the target still had at its last scrape; those that ended before are of an earlier life."""
    at = max(one.values[-1][0] for one in series)
    return _Scrape(at, list(_samples(series, at)))


def _samples(series: Sequence[_Series], at: float) -> Iterator[Sample]:
    for one in series:
        when, value = one.values[-1]
        if when == at:
            yield Sample(one.labels["__name__"], one.labels, float(value))
