from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from lightkube.models.core_v1 import ContainerPort

from mesh.canary.judge.counts import BOUNDS
from mesh.local.node.mesh_registration import sidecar_spec, workload_entry_spec
from mesh.local.node.pod_plan import plan
from mesh.local.node.pod_roles import Proxy
from mesh.local.node.sidecar import proxy_command, proxy_files, workload_name
from tests.node.pods import ADDRESSES, Json, config_in, container, pod_of

PORTS = container(ports=[{"name": "grpc", "containerPort": 50051}, {"name": "http-metrics", "containerPort": 9464}])
OWNED: Json = {
    "labels": {"app": "catalog", "pod-template-hash": "5d4f"},
    "ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "catalog-v1-5d4f", "uid": "u", "controller": True}
    ],
}


def test_every_port_of_the_proxy_is_on_the_pods_own_address(tmp_path: Path) -> None:
    files = proxy_files(pod_of(PORTS), config_in(tmp_path), ADDRESSES)
    template = files["bootstrap.yaml.tmpl"].contents.decode()
    assert "0.0.0.0" not in template
    assert "@POD_ADDRESS@" not in template
    listening = [line for line in template.splitlines() if "socket_address" in line]
    assert listening
    assert all('address: "127.10.0.7"' in line for line in listening)


def test_pilot_agents_own_status_port_which_binds_every_interface_is_off(tmp_path: Path) -> None:
    annotations = proxy_files(pod_of(PORTS), config_in(tmp_path), ADDRESSES)["etc/istio/pod/annotations"]
    assert 'status.sidecar.istio.io/port="0"' in annotations.contents.decode()


def histogram_bounds(annotations: bytes) -> list[float]:
    """Those of calls to others, as pilot-agent reads the file: each value a quoted string."""
    (line,) = [line for line in annotations.decode().splitlines() if "statsHistogramBuckets" in line]
    bounds: list[float] = json.loads(json.loads(line.partition("=")[2]))["cluster.outbound"]
    return bounds


def test_latency_is_kept_as_finely_as_a_canary_is_judged(tmp_path: Path) -> None:
    files = proxy_files(pod_of(PORTS), config_in(tmp_path), ADDRESSES)
    assert histogram_bounds(files["etc/istio/pod/annotations"].contents) == list(BOUNDS)
    assert ".histogram_buckets" in files["bootstrap.yaml.tmpl"].contents.decode()


def test_a_pod_may_have_its_own_idea_of_latency(tmp_path: Path) -> None:
    own = {"sidecar.istio.io/statsHistogramBuckets": json.dumps({"cluster.outbound": [1, 2]})}
    files = proxy_files(pod_of(PORTS, metadata={"annotations": own}), config_in(tmp_path), ADDRESSES)
    assert histogram_bounds(files["etc/istio/pod/annotations"].contents) == [1, 2]


def test_envoy_is_started_through_the_launcher_so_that_it_dies_with_pilot_agent(tmp_path: Path) -> None:
    envoy = proxy_files(pod_of(PORTS), config_in(tmp_path), ADDRESSES)["envoy"]
    assert envoy.mode == 0o700
    assert "launcher.py - " in envoy.contents.decode()


@pytest.mark.parametrize(("proxy", "role"), [(Proxy.SIDECAR, "sidecar"), (Proxy.GATEWAY, "router")])
def test_pilot_agent_is_told_who_the_pod_is(tmp_path: Path, proxy: Proxy, role: str) -> None:
    config = config_in(tmp_path, discovery_address="127.0.0.1:15112")
    pod = pod_of(PORTS, metadata=OWNED)
    offer = plan(pod, {"istio-injection": "enabled"}, config, ADDRESSES, {"PATH": "/bin"}).offer
    command = proxy_command(pod, proxy, config, offer, tmp_path)
    environment = command.environment
    assert command.argv[1:5] == ("proxy", role, "--domain", "shop.svc.cluster.local")
    assert environment["INSTANCE_IP"] == "127.10.0.7"
    assert environment["SERVICE_ACCOUNT"] == "catalog"
    assert environment["ISTIO_META_WORKLOAD_NAME"] == "catalog-v1"
    assert environment["PATH"] == "/bin"
    assert json.loads(environment["PROXY_CONFIG"])["discoveryAddress"] == "127.0.0.1:15112"
    assert json.loads(environment["ISTIO_METAJSON_LABELS"])["argosy.dev/pod-uid"] == pod.metadata.uid  # type: ignore[union-attr]


def test_a_pod_without_an_owner_is_its_own_workload() -> None:
    assert workload_name(pod_of()) == "catalog-v1-abc"
    assert workload_name(pod_of(metadata=OWNED)) == "catalog-v1"


def test_the_proxy_listens_for_callers_and_for_its_own_pod_and_reaches_the_application_by_socket() -> None:
    port = ContainerPort(containerPort=50051, name="grpc")
    spec = sidecar_spec(pod_of(PORTS), ADDRESSES, [port], {50051: "/run/s/grpc.sock"})
    assert spec["ingress"] == [
        {
            "port": {"number": 50051, "protocol": "GRPC", "name": "grpc"},
            "bind": "127.10.0.7",
            "captureMode": "NONE",
            "defaultEndpoint": "unix:///run/s/grpc.sock",
        }
    ]
    assert spec["egress"] == [{"bind": "127.11.0.7", "captureMode": "NONE", "hosts": ["./*"]}]


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("grpc", "GRPC"),
        ("grpc-api", "GRPC"),
        ("grpc-web", "GRPC-WEB"),
        ("http", "HTTP"),
        ("http2-x", "HTTP2"),
        ("x", "TCP"),
    ],
)
def test_a_ports_name_says_its_protocol(name: str, protocol: str) -> None:
    port = ContainerPort(containerPort=1, name=name)
    assert sidecar_spec(pod_of(), ADDRESSES, [port], {1: "/s"})["ingress"][0]["port"]["protocol"] == protocol


def test_only_a_pod_with_a_proxy_promises_mutual_tls() -> None:
    pod = pod_of(PORTS, metadata={"labels": {"app": "catalog"}})
    entry = workload_entry_spec(pod, ADDRESSES, Proxy.SIDECAR)
    assert entry == {
        "address": "127.10.0.7",
        "labels": {"app": "catalog"},
        "ports": {"grpc": 50051, "http-metrics": 9464},
        "serviceAccount": "catalog",
    }
    assert "serviceAccount" not in workload_entry_spec(pod, ADDRESSES, Proxy.NONE)


def test_the_injection_policy_is_what_the_node_expects() -> None:
    path = Path(__file__).parents[2] / "mesh/local/node/injection.yaml"
    policy, binding = yaml.safe_load_all(path.read_text())
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    expression = policy["spec"]["mutations"][0]["applyConfiguration"]["expression"]
    assert 'name: "istio-proxy", image: "argosy/istio-proxy:local"' in expression
