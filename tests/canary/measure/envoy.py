"""A sidecar that has counted what a test says: Envoy's statistics, over HTTP, in its words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from mesh.canary.measure.scraping import PORT, STATISTICS
from tests.http_server import serving


def cluster(version: str, service: str = "catalog", port: int = 50051) -> str:
    """What Envoy calls the endpoints of one version."""
    return f"outbound|{port}|{version}|{service}.shop.svc.cluster.local"


@dataclass
class Envoy:
    """Counters and histograms by cluster and name; a test raises them as calls would."""

    counters: dict[tuple[str, str], int] = field(default_factory=dict)
    latency: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds of each call, by cluster."""
    bounds: tuple[float, ...] = (0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000)
    status: int = 200
    instead: str = ""
    """What it says in place of statistics."""
    asked: list[str] = field(default_factory=list)
    """The query strings it was asked with."""

    def count(self, version: str, name: str, by: int = 1) -> None:
        """One counter of one version of catalog goes up."""
        key = cluster(version), name
        self.counters[key] = self.counters.get(key, 0) + by

    def answered(self, version: str, *, ok: int = 0, unavailable: int = 0, ms: float = 4.0) -> None:
        """Calls of one version were answered."""
        self.count(version, "grpc.0", ok)
        if unavailable:
            self.count(version, "grpc.14", unavailable)
        self.latency.setdefault(cluster(version), []).extend([ms] * (ok + unavailable))

    def text(self, wanted: str = ".*") -> str:
        """What `/stats/prometheus` answers with `filter=wanted`."""
        return self.instead or "\n".join(
            [*self._counters(re.compile(wanted)), *self._histograms(re.compile(wanted)), ""]
        )

    def _counters(self, wanted: re.Pattern[str]) -> Iterator[str]:
        by_metric: defaultdict[str, list[str]] = defaultdict(list)
        for (of, name), value in self.counters.items():
            if wanted.search(f"cluster.{of};.{name}"):
                metric = f"envoy_cluster_{name.replace('.', '_')}"
                by_metric[metric].append(f'{metric}{{cluster_name="{of}"}} {value}')
        for metric, lines in by_metric.items():
            yield from (f"# TYPE {metric} counter", *lines)

    def _histograms(self, wanted: re.Pattern[str]) -> Iterator[str]:
        name = "envoy_cluster_upstream_rq_time"
        yield f"# TYPE {name} histogram"
        for of, took in self.latency.items():
            if not wanted.search(f"cluster.{of};.upstream_rq_time"):
                continue
            for bound in self.bounds:
                at_most = sum(ms <= bound for ms in took)
                yield f'{name}_bucket{{cluster_name="{of}",le="{bound:g}"}} {at_most}'
            yield f'{name}_bucket{{cluster_name="{of}",le="+Inf"}} {len(took)}'
            yield f'{name}_sum{{cluster_name="{of}"}} {sum(took)}'
            yield f'{name}_count{{cluster_name="{of}"}} {len(took)}'

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.query_string)
        return web.Response(text=self.text(request.query.get("filter", ".*")), status=self.status)

    @asynccontextmanager
    async def listening(self, address: str) -> AsyncIterator[None]:
        """Give statistics at `address`, where a sidecar does, while the block runs."""
        async with serving(web.get(STATISTICS, self._answer), host=address, port=PORT):
            yield
