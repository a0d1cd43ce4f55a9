"""What Envoy's words mean; `recorded` is what a gateway's sidecar of the local mesh has really said."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from mesh.canary.measure.counters import Counters
from mesh.canary.measure.envoy_stats import Sample, Subject, counters, samples
from tests.canary.measure.envoy import Envoy, cluster

CATALOG = Subject("catalog", "shop", ("v1", "v2"))
RECORDED = (Path(__file__).parent / "gateway.prom").read_text(encoding="utf-8")


def test_a_recorded_sidecar_is_understood() -> None:
    found = counters(samples(RECORDED), CATALOG)
    assert sorted(found) == ["v1", "v2"]
    assert found["v2"].statuses == {"OK": 186, "DEADLINE_EXCEEDED": 8, "UNAVAILABLE": 24}
    assert (found["v2"].hidden, found["v2"].given_up) == (0, 0)
    assert found["v2"].latency[math.inf] == 194
    assert found["v1"] == Counters({"OK": 210}, 0, 0, found["v1"].latency)


def test_attempts_that_the_sidecar_timed_out_are_not_given_up_by_its_caller() -> None:
    envoy = Envoy()
    envoy.count("v2", "upstream_rq_tx_reset", 20)
    assert counters(samples(envoy.text()), CATALOG)["v2"].given_up == 20
    envoy.count("v2", "upstream_rq_per_try_timeout", 7)
    envoy.count("v2", "upstream_rq_timeout", 5)
    envoy.count("v2", "upstream_rq_max_duration_reached", 2)
    assert counters(samples(envoy.text()), CATALOG)["v2"].given_up == 6


@pytest.mark.parametrize("name", [cluster("v2"), cluster("v2") + ";"], ids=["without", "with"])
def test_a_name_is_understood_with_and_without_istios_delimiter(name: str) -> None:
    given = [Sample("envoy_cluster_grpc_0", {"cluster_name": name}, 3.0)]
    assert counters(given, CATALOG) == {"v2": Counters({"OK": 3})}


def test_ports_of_a_service_are_added_up() -> None:
    given = [
        Sample("envoy_cluster_grpc_13", {"cluster_name": cluster("v1", port=port)}, float(port)) for port in (1, 2)
    ]
    assert counters(given, CATALOG)["v1"].statuses == {"INTERNAL": 3}


@pytest.mark.parametrize(
    "name",
    [
        cluster("v3"),
        cluster("v1", service="catalogue"),
        cluster("v1").replace("shop", "other"),
        cluster("", service="catalog"),
        cluster("v1").replace("outbound", "inbound"),
    ],
)
def test_other_clusters_are_somebody_elses(name: str) -> None:
    assert counters([Sample("envoy_cluster_grpc_0", {"cluster_name": name}, 3.0)], CATALOG) == {}


def test_envoy_is_asked_for_what_is_read_and_nothing_else() -> None:
    wanted = re.compile(CATALOG.filter)
    for separator in ("", ";"):
        for name in ("grpc.0", "grpc.14", "upstream_rq_time", "upstream_rq_tx_reset", "upstream_rq_retry_success"):
            assert wanted.search(f"cluster.{cluster('v2')}{separator}.{name}")
        for name in ("grpc.total", "upstream_rq_200", "upstream_cx_total", "upstream_rq_timeout_other"):
            assert not wanted.search(f"cluster.{cluster('v2')}{separator}.{name}")
    assert not wanted.search(f"cluster.{cluster('v2')};.external.upstream_rq_time")
    assert not wanted.search(f"cluster.{cluster('v1', service='orders')};.grpc.0")


def test_what_is_no_statistic_is_refused() -> None:
    with pytest.raises(ValueError, match="html"):
        list(samples("<html>not found</html>"))
