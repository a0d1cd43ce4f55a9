"""How is Istio's proxy started beside a pod? Its arguments, environment and files, as values.

pilot-agent works with paths relative to its working directory, so each pod's proxy has a folder of its own.
The variables are those of Istio's injection templates (manifests/charts/istio-control of the Istio module).
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from lightkube.resources.core_v1 import Pod

from mesh.local.node import downward, launcher
from mesh.local.node.addresses import PodAddresses
from mesh.local.node.config import NodeConfig
from mesh.local.node.pod_roles import Proxy, app_containers, proxy_variables
from mesh.local.node.pod_spec import Command, Offer
from mesh.local.node.volumes import VolumeFile

ADMIN_PORT = 15000
STATUS_PORT = 15021
PROMETHEUS_PORT = 15090

TOKEN_AUDIENCE = "istio-ca"  # noqa: S105 - an audience, not a secret
TOKEN_SECONDS = 12 * 3600
ROOT_CONFIG_MAP = "istio-ca-root-cert"
ROOT_CONFIG_KEY = "root-cert.pem"

TOKEN_FILE = "var/run/secrets/tokens/istio-token"  # noqa: S105 - a path
ROOT_FILE = "var/run/secrets/istio/root-cert.pem"
TEMPLATE_FILE = "bootstrap.yaml.tmpl"
ENVOY_FILE = "envoy"

_TEMPLATE = Path(__file__).with_name(TEMPLATE_FILE)
_EXECUTABLE = 0o700
_PRIVATE = 0o600

# What canary, chaos and `argosy status` read, beside what Istio always keeps.
_STATISTICS = [
    r"cluster\.outbound.*(grpc|upstream_rq|upstream_cx).*",
    r"cluster\.inbound.*(upstream_rq).*",
    r".*outlier.*",
    r"http\..*fault.*",
]
# Milliseconds. Envoy's own bounds, and between them as many again: a p99 that grows threefold is then seen as that.
_LATENCY_BOUNDS = [
    *(0.5, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 25, 35, 50, 75, 100, 150, 250, 350, 500, 750, 1000, 1500, 2500, 5000),
    *(10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000),
]
_STATISTICS_ANNOTATIONS = {
    "sidecar.istio.io/statsHistogramBuckets": json.dumps({"cluster.outbound": _LATENCY_BOUNDS}),
}


def selecting_label(pod: Pod) -> dict[str, str]:
    """The label that no other pod has, which its Sidecar resource selects on."""
    return {"argosy.dev/pod-uid": (pod.metadata.uid if pod.metadata else None) or ""}


def proxy_command(pod: Pod, proxy: Proxy, config: NodeConfig, offer: Offer, folder: Path) -> Command:
    """What to run as the pod's istio-proxy, in `folder`."""
    namespace = _namespace(pod)
    argv = (
        str(config.programs_dir / "pilot-agent"),
        "proxy",
        "router" if proxy is Proxy.GATEWAY else "sidecar",
        "--domain",
        f"{namespace}.svc.{config.cluster_domain}",
        f"--proxyLogLevel={config.sidecar_log_level}",
        "--log_output_level=all:warn",
    )
    environment = dict(offer.image_environment) | _environment(pod, config, offer.addresses) | proxy_variables(pod)
    return Command(argv, environment, folder)


def proxy_files(pod: Pod, config: NodeConfig, addresses: PodAddresses) -> dict[str, VolumeFile]:
    """The proxy's files by relative path, except its token and the root certificate."""
    metadata_labels = _labels(pod) | selecting_label(pod)
    # pilot-agent's own status port would listen on every interface; Envoy answers for readiness instead.
    annotations = _STATISTICS_ANNOTATIONS | _annotations(pod) | {"status.sidecar.istio.io/port": "0"}
    template = _TEMPLATE.read_text(encoding="utf-8").replace("@POD_ADDRESS@", addresses.pod)
    wrapper = [sys.executable, "-I", "-S", launcher.__file__, "-", str(config.programs_dir / "envoy")]
    return {
        "etc/istio/pod/labels": VolumeFile(downward.as_lines(metadata_labels).encode(), _PRIVATE),
        "etc/istio/pod/annotations": VolumeFile(downward.as_lines(annotations).encode(), _PRIVATE),
        TEMPLATE_FILE: VolumeFile(template.encode(), _PRIVATE),
        ENVOY_FILE: VolumeFile(f'#!/bin/sh\nexec {shlex.join(wrapper)} "$@"\n'.encode(), _EXECUTABLE),
    }


def _environment(pod: Pod, config: NodeConfig, addresses: PodAddresses) -> dict[str, str]:
    name = (pod.metadata.name if pod.metadata else None) or ""
    return {
        "PROXY_CONFIG": json.dumps(_proxy_config(config)),
        "ISTIOD_SAN": "istiod.istio-system.svc",
        "JWT_POLICY": "third-party-jwt",
        "CLOUD_PLATFORM": "none",
        "TRUST_DOMAIN": config.cluster_domain,
        # Keys on a curve are made in a millisecond and make handshakes cheaper than RSA's.
        "ECC_SIGNATURE_ALGORITHM": "ECDSA",
        "INSTANCE_IP": addresses.pod,
        "POD_NAME": name,
        "POD_NAMESPACE": _namespace(pod),
        "SERVICE_ACCOUNT": service_account(pod),
        "HOST_IP": config.log_address.rpartition(":")[0],
        "ENVOY_STATUS_PORT": str(STATUS_PORT),
        "ENVOY_PROMETHEUS_PORT": str(PROMETHEUS_PORT),
        "ISTIO_META_CLUSTER_ID": "Kubernetes",
        "ISTIO_META_INTERCEPTION_MODE": "NONE",
        "ISTIO_META_NODE_NAME": config.name,
        "ISTIO_META_WORKLOAD_NAME": workload_name(pod),
        "ISTIO_META_APP_CONTAINERS": ",".join(container.name for container in app_containers(pod)),
        "ISTIO_META_MESH_ID": config.cluster_domain,
        "ISTIO_METAJSON_LABELS": json.dumps(_labels(pod) | selecting_label(pod)),
    }


def _proxy_config(config: NodeConfig) -> dict[str, object]:
    return {
        "discoveryAddress": config.discovery_address,
        "binaryPath": f"./{ENVOY_FILE}",
        "proxyAdminPort": ADMIN_PORT,
        "proxyBootstrapTemplatePath": f"./{TEMPLATE_FILE}",
        "concurrency": 1,
        "terminationDrainDuration": "0.100s",
        "proxyStatsMatcher": {"inclusionRegexps": _STATISTICS},
    }


def workload_name(pod: Pod) -> str:
    """The Deployment (or other owner) a pod belongs to; its own name when it has none."""
    metadata = pod.metadata
    if metadata is None:
        return ""
    owner = next((owner for owner in metadata.ownerReferences or [] if owner.controller), None)
    if owner is None:
        return metadata.name or ""
    return owner.name.removesuffix("-" + _labels(pod).get("pod-template-hash", ""))


def service_account(pod: Pod) -> str:
    return (pod.spec.serviceAccountName if pod.spec else None) or "default"


def _namespace(pod: Pod) -> str:
    return (pod.metadata.namespace if pod.metadata else None) or "default"


def _labels(pod: Pod) -> dict[str, str]:
    return dict((pod.metadata.labels if pod.metadata else None) or {})


def _annotations(pod: Pod) -> dict[str, str]:
    return dict((pod.metadata.annotations if pod.metadata else None) or {})
