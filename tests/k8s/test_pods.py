"""Every pod can be probed, stopped, limited and told from every other."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tests.k8s.manifests import Manifests, Object


def container(pod: Object) -> Object:
    (only,) = pod["spec"]["containers"]
    return dict(only)


def variables(pod: Object) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container(pod)["env"]}


def detection_seconds(probe: Object) -> int:
    """The longest a probe takes to notice."""
    return int(probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"])


def stopping_problems(pod: Object) -> list[str]:
    # Twice: orders waits as long again for sagas whose callers have left.
    needed = float(variables(pod)["DRAIN_DELAY_SECONDS"]) + 2 * float(variables(pod)["DRAIN_SECONDS"])
    given = pod["spec"]["terminationGracePeriodSeconds"]
    return [] if given > needed else [f"draining takes {needed} s, killed after {given} s"]


def security_problems(pod: Object) -> list[str]:
    """Where a pod falls short of the "restricted" Pod Security Standard and a read-only root."""
    spec, security = pod["spec"], container(pod).get("securityContext", {})
    required = {
        "runs as root": spec.get("securityContext", {}).get("runAsNonRoot") is not True,
        "no seccomp profile": spec.get("securityContext", {}).get("seccompProfile") != {"type": "RuntimeDefault"},
        "may gain privileges": security.get("allowPrivilegeEscalation") is not False,
        "keeps capabilities": security.get("capabilities") != {"drop": ["ALL"]},
        "may write its root": security.get("readOnlyRootFilesystem") is not True,
        "has an API token": spec.get("automountServiceAccountToken") is not False,
    }
    return [problem for problem, found in required.items() if found]


def test_every_service_answers_three_probes_over_grpc(shop: Manifests) -> None:
    for deployment in shop.services():
        only = container(deployment["spec"]["template"])
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert only[probe]["grpc"] == {"port": 50051}, (only["name"], probe)


def test_a_hung_pod_leaves_the_service_long_before_it_is_restarted(shop: Manifests) -> None:
    for deployment in shop.services():
        only = container(deployment["spec"]["template"])
        assert detection_seconds(only["readinessProbe"]) <= 3
        assert detection_seconds(only["livenessProbe"]) >= 5 * detection_seconds(only["readinessProbe"])


def test_the_drain_delay_outlasts_a_readiness_probe_that_sees_not_serving(shop: Manifests) -> None:
    for deployment in shop.services():
        pod = deployment["spec"]["template"]
        probe = container(pod)["readinessProbe"]
        assert float(variables(pod)["DRAIN_DELAY_SECONDS"]) >= probe["periodSeconds"] * probe["failureThreshold"]


def test_nobody_is_killed_while_draining(shop: Manifests) -> None:
    for deployment in shop.services():
        assert stopping_problems(deployment["spec"]["template"]) == []


def test_a_grace_period_shorter_than_the_drain_is_found(shop: Manifests) -> None:
    pod = copy.deepcopy(shop.named("Deployment", "orders-v1")["spec"]["template"])
    pod["spec"]["terminationGracePeriodSeconds"] = 22
    assert stopping_problems(pod) != []


def test_a_new_pod_is_ready_before_an_old_one_goes(shop: Manifests) -> None:
    for deployment in shop.of("Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_every_pod_is_restricted(shop: Manifests) -> None:
    assert {name: security_problems(pod) for name, pod in shop.pods() if security_problems(pod)} == {}


@pytest.mark.parametrize(
    "weaken",
    [
        lambda pod: pod["spec"].pop("securityContext"),
        lambda pod: pod["spec"].pop("automountServiceAccountToken"),
        lambda pod: container(pod)["securityContext"].pop("readOnlyRootFilesystem"),
        lambda pod: container(pod)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
    ],
)
def test_a_weakened_pod_is_found(shop: Manifests, weaken: Callable[[Object], object]) -> None:
    pod = copy.deepcopy(shop.named("Deployment", "catalog-v1")["spec"]["template"])
    weaken(pod)
    assert security_problems(pod) != []


def test_every_pod_requests_less_than_its_limits(shop: Manifests) -> None:
    for name, pod in shop.pods():
        resources = container(pod)["resources"]
        assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}, name
        requested, limit = (int(resources[kind]["memory"].removesuffix("Mi")) for kind in ("requests", "limits"))
        assert 2 * requested <= limit, name


def test_every_pod_says_which_app_and_version_it_is(shop: Manifests) -> None:
    for name, pod in shop.pods():
        labels = pod["metadata"]["labels"]
        assert labels["app"] == labels["app.kubernetes.io/name"], name
        assert labels["version"] == labels["app.kubernetes.io/version"], name


def test_a_service_knows_itself_from_its_pods_labels(shop: Manifests) -> None:
    for deployment in shop.services():
        sources = {
            one["name"]: one["valueFrom"]["fieldRef"]["fieldPath"]
            for one in container(deployment["spec"]["template"])["env"]
            if "valueFrom" in one
        }
        assert sources == {
            "SERVICE_NAME": "metadata.labels['app']",
            "SERVICE_VERSION": "metadata.labels['version']",
            "POD_NAME": "metadata.name",
            "POD_NAMESPACE": "metadata.namespace",
        }


def test_deployments_are_told_apart_by_app_and_version_only(shop: Manifests) -> None:
    for deployment in shop.services():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        expected = {"app": labels["app"], "version": labels["version"]}
        assert deployment["spec"]["selector"]["matchLabels"] == expected
        assert deployment["metadata"]["name"] == "{app}-{version}".format(**expected)


def test_no_variable_is_given_twice(shop: Manifests) -> None:
    for name, pod in shop.pods():
        given = [one["name"] for one in container(pod).get("env", [])]
        assert len(given) == len(set(given)), name


def test_variables_refer_only_to_variables_before_them(shop: Manifests) -> None:
    for name, pod in shop.pods():
        known: set[str] = set()
        for one in container(pod).get("env", []):
            used = {part.split(")")[0] for part in one.get("value", "").split("$(")[1:]}
            assert {variable for variable in used if not variable.startswith("ARGOSY_")} <= known, (name, one)
            known.add(one["name"])
