from __future__ import annotations

import pytest

from mesh.local.node.pod_roles import Proxy, captured_ports, holds_application, proxy_of, proxy_variables
from tests.node.pods import Json, container, pod_of

ENABLED = {"istio-injection": "enabled"}
GATEWAY: Json = {
    "labels": {"sidecar.istio.io/inject": "true"},
    "annotations": {"inject.istio.io/templates": "gateway"},
}


@pytest.mark.parametrize(
    ("namespace", "metadata", "proxy"),
    [
        (ENABLED, {}, Proxy.SIDECAR),
        ({}, {}, Proxy.NONE),
        (ENABLED, {"labels": {"sidecar.istio.io/inject": "false"}}, Proxy.NONE),
        (ENABLED, {"annotations": {"sidecar.istio.io/inject": "false"}}, Proxy.NONE),
        ({}, {"labels": {"sidecar.istio.io/inject": "true"}}, Proxy.SIDECAR),
        (ENABLED, GATEWAY, Proxy.GATEWAY),
        ({}, GATEWAY, Proxy.GATEWAY),
    ],
)
def test_a_pod_gets_the_proxy_that_injection_would_give_it(namespace: Json, metadata: Json, proxy: Proxy) -> None:
    assert proxy_of(pod_of(metadata=metadata), namespace) is proxy


PORTS = container(
    ports=[
        {"name": "grpc", "containerPort": 50051},
        {"name": "http-metrics", "containerPort": 9464},
        {"name": "admin", "containerPort": 8081},
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
    ]
)


def test_the_proxy_takes_tcp_ports_but_not_metrics_nor_what_istio_excludes() -> None:
    excluded = {"annotations": {"traffic.sidecar.istio.io/excludeInboundPorts": "1, 8081"}}
    pod = pod_of(PORTS, metadata=excluded)
    assert [port.name for port in captured_ports(pod, Proxy.SIDECAR)] == ["grpc"]
    assert [port.name for port in captured_ports(pod_of(PORTS), Proxy.SIDECAR)] == ["grpc", "admin"]


@pytest.mark.parametrize("proxy", [Proxy.NONE, Proxy.GATEWAY])
def test_without_a_sidecar_every_port_is_the_containers_own(proxy: Proxy) -> None:
    assert captured_ports(pod_of(PORTS), proxy) == []


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('{"holdApplicationUntilProxyStarts": true}', True),
        ("holdApplicationUntilProxyStarts: true", True),
        ("concurrency: 2", False),
        ("{", False),
        ("", False),
    ],
)
def test_the_application_waits_for_its_proxy_when_istios_annotation_says_so(text: str, holds: bool) -> None:
    assert holds_application(pod_of(metadata={"annotations": {"proxy.istio.io/config": text}})) is holds


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ('{"proxyMetadata": {"SECRET_TTL": "20s"}}', {"SECRET_TTL": "20s"}),
        ("proxyMetadata: {A: 1}", {"A": "1"}),
        ("proxyMetadata: A", {}),
        ("concurrency: 2", {}),
        ("", {}),
    ],
)
def test_a_pods_own_annotation_tells_its_proxy_more(text: str, variables: dict[str, str]) -> None:
    assert proxy_variables(pod_of(metadata={"annotations": {"proxy.istio.io/config": text}})) == variables
