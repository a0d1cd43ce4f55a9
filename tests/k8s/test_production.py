"""What customers get: images by digest, TLS at the gateway, enforced security, and no secret in git."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mesh.chaos.guards import ENVIRONMENT, PRODUCTION
from tests.k8s.manifests import K8S, Manifests, Object, build

DIGEST = re.compile(r"registry\.example\.com/argosy(-tools)?@sha256:[0-9a-f]{64}")
WITH_SECRETS = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [{k8s}/overlays/production]
components: [{k8s}/components/external-secrets, {k8s}/components/certificate]
"""


@pytest.fixture(scope="module")
def supplied(kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    """Production with the optional components that fetch its secrets."""
    folder = tmp_path_factory.mktemp("supplied").resolve()
    (folder / "kustomization.yaml").write_text(WITH_SECRETS.format(k8s=os.path.relpath(K8S, folder)))
    return build(kubectl, folder)


def image_problems(manifests: Manifests) -> list[str]:
    """Containers whose image may be another tomorrow; the gateway's is Istio's, chosen by injection."""
    return [
        f"{name} runs {container['image']}"
        for name, pod in manifests.pods()
        for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
        if container["image"] != "auto" and not DIGEST.fullmatch(container["image"])
    ]


def tls_problems(manifests: Manifests) -> list[str]:
    """How the gateway falls short of TLS at one port, from the balancer to the proxy and the certificate behind it."""
    (server,) = manifests.named("Gateway", "gateway")["spec"]["servers"]
    pod = manifests.named("Deployment", "gateway")["spec"]["template"]["spec"]
    service = manifests.named("Service", "gateway")["spec"]
    policies = [manifests.named("AuthorizationPolicy", name) for name in ("gateway", "gateway-tokens")]
    allowed = {port for one in policies for port in one["spec"]["rules"][0]["to"][0]["operation"]["ports"]}
    admitted = manifests.named("NetworkPolicy", "gateway")["spec"]["ingress"][0]["ports"]
    port = server["port"]["number"]
    required = {
        "no TLS": (server["port"]["protocol"], server.get("tls", {}).get("mode")) != ("HTTPS", "SIMPLE"),
        "no certificate": not server.get("tls", {}).get("credentialName"),
        "not where the proxy listens": [each["containerPort"] for each in pod["containers"][0]["ports"]] != [port],
        "not where the balancer sends": [each["targetPort"] for each in service["ports"]]
        != [each["name"] for each in pod["containers"][0]["ports"]],
        "not where callers may": allowed != {str(port)},
        "not where packets may": [each["port"] for each in admitted] != [port],
        "istiod keeps the key": not _may_list_secrets(manifests, pod["serviceAccountName"]),
    }
    return [problem for problem, found in required.items() if found]


def _may_list_secrets(manifests: Manifests, account: str) -> bool:
    return any(
        {"kind": "ServiceAccount", "name": account}.items() <= subject.items()
        for binding in manifests.of("RoleBinding")
        for subject in binding["subjects"]
        for rule in manifests.named("Role", binding["roleRef"]["name"])["rules"]
        if rule == {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}
    )


def secrets_named(manifests: Manifests) -> set[str]:
    """The Secrets that pods and the gateway cannot do without."""
    sources = [
        variable.get("valueFrom", {}).get("secretKeyRef", {}).get("name")
        for _, pod in manifests.pods()
        for variable in pod["spec"]["containers"][0].get("env", [])
    ]
    certificates = [
        server.get("tls", {}).get("credentialName")
        for gateway in manifests.of("Gateway")
        for server in gateway["spec"]["servers"]
    ]
    return {name for name in (*sources, *certificates) if name}


def test_every_image_is_one_image_for_ever(production: Manifests) -> None:
    assert image_problems(production) == []


def test_an_image_by_tag_is_found(kind: Manifests) -> None:
    assert "orders-v1 runs argosy:dev" in image_problems(kind)


def test_strangers_speak_tls_to_the_gateway_and_nothing_else(production: Manifests) -> None:
    assert tls_problems(production) == []


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("Gateway", lambda one: one["spec"]["servers"][0].pop("tls")),
        ("Gateway", lambda one: one["spec"]["servers"][0]["port"].update(number=8080)),
        ("Service", lambda one: one["spec"]["ports"][0].update(targetPort="grpc")),
        ("Role", lambda one: one["rules"][0].update(verbs=["get"])),
        ("RoleBinding", lambda one: one["subjects"][0].update(name="orders")),
    ],
)
def test_a_gap_in_tls_is_found(production: Manifests, kind: str, spoil: Callable[[Object], object]) -> None:
    spoilt = copy.deepcopy(production)
    names = {"Role": "gateway-certificate", "RoleBinding": "gateway-certificate"}
    spoil(spoilt.named(kind, names.get(kind, "gateway")))
    assert tls_problems(spoilt) != []


def test_the_gateway_sees_whose_calls_it_counts_although_a_balancer_stands_before_it(production: Manifests) -> None:
    spec = production.named("Service", "gateway")["spec"]
    assert (spec["type"], spec["externalTrafficPolicy"]) == ("LoadBalancer", "Local")


def test_restricted_pods_are_enforced_where_istios_plugin_is_and_wished_for_everywhere(overlay: Manifests) -> None:
    labels = overlay.named("Namespace", "shop")["metadata"]["labels"]
    levels = {mode: labels.get(f"pod-security.kubernetes.io/{mode}") for mode in ("enforce", "audit", "warn")}
    elsewhere = None if "HorizontalPodAutoscaler" not in {one["kind"] for one in overlay.objects} else "restricted"
    assert levels == {"enforce": elsewhere, "audit": "restricted", "warn": "restricted"}


def test_no_experiment_is_done_to_production(production: Manifests, kind: Manifests) -> None:
    labels = [overlay.named("Namespace", "shop")["metadata"]["labels"] for overlay in (production, kind)]
    assert [each.get(ENVIRONMENT) for each in labels] == [PRODUCTION, None]


def test_no_secret_is_in_git(overlay: Manifests) -> None:
    assert overlay.of("Secret") == []


def test_every_secret_that_is_needed_is_fetched_and_no_other(supplied: Manifests) -> None:
    fetched = {one["spec"]["target"]["name"] for one in supplied.of("ExternalSecret")}
    fetched |= {one["spec"]["secretName"] for one in supplied.of("Certificate")}
    assert fetched == secrets_named(supplied)


def test_a_secret_is_fetched_under_the_key_that_pods_ask_for(supplied: Manifests) -> None:
    kept = {
        (one["spec"]["target"]["name"], each["secretKey"])
        for one in supplied.of("ExternalSecret")
        for each in one["spec"]["data"]
    }
    asked = {
        (reference["name"], reference["key"])
        for _, pod in supplied.pods()
        for variable in pod["spec"]["containers"][0].get("env", [])
        if (reference := variable.get("valueFrom", {}).get("secretKeyRef"))
    }
    assert kept == asked


def test_only_the_kind_overlay_shares_processes(overlay: Manifests, kind: Manifests) -> None:
    sharing = {name for name, pod in overlay.pods() if pod["spec"].get("shareProcessNamespace")}
    assert sharing == ({one["metadata"]["name"] for one in kind.services()} if overlay == kind else set())
