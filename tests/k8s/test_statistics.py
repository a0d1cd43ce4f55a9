"""The proxies of every pod keep what canaries and experiments are judged by: of calls, ejected hosts and faults."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs

import pytest

from mesh.canary.judge.counts import BOUNDS
from mesh.canary.measure.envoy_stats import Subject
from mesh.chaos.observe.counters import STATISTICS
from tests.k8s.manifests import Manifests

READ = [
    "grpc.0",
    "grpc.14",
    "upstream_rq_time",
    "upstream_rq_timeout",
    "upstream_rq_per_try_timeout",
    "upstream_rq_max_duration_reached",
    "upstream_rq_retry_success",
    "upstream_rq_tx_reset",
]


@pytest.mark.parametrize("name", READ)
def test_every_proxy_keeps_what_a_canary_reads_of_a_version(on_nodes: Manifests, name: str) -> None:
    kept = f"cluster.outbound|50051|v2|catalog.shop.svc.cluster.local;.{name}"
    assert re.search(Subject("catalog", "shop", ("v1", "v2")).filter, kept), "it is not read at all"
    for pod, template in on_nodes.pods():
        patterns = template["metadata"]["annotations"]["sidecar.istio.io/statsInclusionRegexps"].split(",")
        assert any(re.fullmatch(pattern, kept) for pattern in patterns), pod  # as Envoy matches: all of the name


EJECTED = "cluster.outbound|50051|every|catalog.shop.svc.cluster.local;.outlier_detection.ejections_active"
ABORTED = "http.inbound_0.0.0.0_50051;.fault.aborts_injected"


@pytest.mark.parametrize("kept", [EJECTED, ABORTED])
def test_every_proxy_keeps_what_an_experiment_reads(on_nodes: Manifests, kept: str) -> None:
    assert re.search(parse_qs(STATISTICS.partition("?")[2])["filter"][0], kept), "it is not read at all"
    for pod, template in on_nodes.pods():
        patterns = template["metadata"]["annotations"]["sidecar.istio.io/statsInclusionRegexps"].split(",")
        assert any(re.fullmatch(pattern, kept) for pattern in patterns), pod


def test_what_nobody_asks_for_is_not_kept(on_nodes: Manifests) -> None:
    """A thousand series a proxy more: those of every service, whoever may call it."""
    for _, template in on_nodes.pods():
        for pattern in template["metadata"]["annotations"]["sidecar.istio.io/statsInclusionRegexps"].split(","):
            assert not re.fullmatch(pattern, "cluster.outbound|50051||catalog.shop.svc.cluster.local;.grpc.0")
            of_v2 = "cluster.outbound|50051|v2|catalog.shop.svc.cluster.local;"
            assert not re.fullmatch(pattern, f"{of_v2}.upstream_cx_total")


def test_latency_is_kept_as_finely_as_it_is_judged(on_nodes: Manifests) -> None:
    for pod, template in on_nodes.pods():
        buckets = json.loads(template["metadata"]["annotations"]["sidecar.istio.io/statsHistogramBuckets"])
        assert tuple(buckets["cluster.outbound"]) == BOUNDS, pod
