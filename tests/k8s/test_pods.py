"""Every pod can be probed, stopped, limited and told from every other."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tests.k8s.manifests import Manifests, Object, amount, seconds

TOPOLOGY = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
LONGEST_DEBOUNCE = 10
"""Seconds for which istiod gathers changes at most: its PILOT_DEBOUNCE_MAX."""


def container(pod: Object) -> Object:
    (only,) = pod["spec"]["containers"]
    return dict(only)


def variables(pod: Object) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container(pod)["env"]}


def detection_seconds(probe: Object) -> int:
    """The longest a probe takes to notice."""
    return int(probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"])


def seconds_until_closed(pod: Object) -> float:
    """How long a pod that ends goes on taking calls."""
    sleep = container(pod).get("lifecycle", {}).get("preStop", {}).get("sleep", {"seconds": 0})["seconds"]
    return float(sleep) + float(variables(pod)["DRAIN_DELAY_SECONDS"])


def stopping_problems(pod: Object) -> list[str]:
    if "MINIMUM_DRAIN_DURATION" in variables(pod):  # the gateway: then what it still serves, PlaceOrder with its 4 s
        needed = seconds(variables(pod)["MINIMUM_DRAIN_DURATION"]) + 4
    else:  # twice: orders waits as long again for sagas whose callers have left
        needed = seconds_until_closed(pod) + 2 * float(variables(pod)["DRAIN_SECONDS"])
    given = pod["spec"]["terminationGracePeriodSeconds"]
    return [] if given > needed else [f"draining takes {needed} s, killed after {given} s"]


def spreading_problems(pod: Object) -> list[str]:
    """Where a pod is not kept away from its like, or would rather not run than be too near."""
    wishes = {each["topologyKey"]: each for each in pod["spec"].get("topologySpreadConstraints", [])}
    problems = [f"not spread by {key}" for key in TOPOLOGY if key not in wishes]
    for key, wish in wishes.items():
        counted = wish["labelSelector"]["matchLabels"]
        if not counted.items() <= pod["metadata"]["labels"].items():
            problems.append(f"by {key} it counts others than its like")
        if wish["matchLabelKeys"] != ["pod-template-hash"]:
            problems.append(f"by {key} it counts pods that are about to go")
        if wish["whenUnsatisfiable"] != "ScheduleAnyway":
            problems.append(f"without {key} it does not run")
    return problems


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
        "shares its node": bool({"hostNetwork", "hostPID", "hostIPC"} & spec.keys()),
        "mounts its node": any("hostPath" in volume for volume in spec.get("volumes", [])),
    }
    return [problem for problem, found in required.items() if found]


def test_every_service_answers_three_probes_over_grpc(overlay: Manifests) -> None:
    for deployment in overlay.services():
        only = container(deployment["spec"]["template"])
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert only[probe]["grpc"] == {"port": 50051}, (only["name"], probe)


def test_a_hung_pod_leaves_the_service_long_before_it_is_restarted(overlay: Manifests) -> None:
    for deployment in overlay.services():
        only = container(deployment["spec"]["template"])
        assert detection_seconds(only["readinessProbe"]) <= 3
        assert detection_seconds(only["livenessProbe"]) >= 5 * detection_seconds(only["readinessProbe"])


def test_the_drain_delay_outlasts_a_readiness_probe_that_sees_not_serving(overlay: Manifests) -> None:
    for deployment in overlay.services():
        pod = deployment["spec"]["template"]
        probe = container(pod)["readinessProbe"]
        assert float(variables(pod)["DRAIN_DELAY_SECONDS"]) >= probe["periodSeconds"] * probe["failureThreshold"]


def test_nobody_is_killed_while_draining(overlay: Manifests) -> None:
    for deployment in [*overlay.services(), overlay.named("Deployment", "gateway")]:
        assert stopping_problems(deployment["spec"]["template"]) == [], deployment["metadata"]["name"]


def test_on_nodes_a_pod_takes_calls_until_the_slowest_istiod_has_told_everybody(on_nodes: Manifests) -> None:
    for deployment in on_nodes.services():
        assert seconds_until_closed(deployment["spec"]["template"]) >= LONGEST_DEBOUNCE
    assert (
        seconds(variables(on_nodes.named("Deployment", "gateway")["spec"]["template"])["MINIMUM_DRAIN_DURATION"]) >= 10
    )


@pytest.mark.parametrize(("name", "grace"), [("orders-v1", 22), ("gateway", 13)])
def test_a_grace_period_shorter_than_the_drain_is_found(overlay: Manifests, name: str, grace: int) -> None:
    pod = copy.deepcopy(overlay.named("Deployment", name)["spec"]["template"])
    pod["spec"]["terminationGracePeriodSeconds"] = grace
    assert stopping_problems(pod) != []


def test_the_gateway_ends_no_call_that_it_still_serves(overlay: Manifests) -> None:
    pod = overlay.named("Deployment", "gateway")["spec"]["template"]
    assert variables(pod)["EXIT_ON_ZERO_ACTIVE_CONNECTIONS"] == "true"


def test_every_sidecar_outlives_its_application(on_nodes: Manifests) -> None:
    for name, pod in on_nodes.pods():
        assert pod["metadata"]["annotations"]["sidecar.istio.io/nativeSidecar"] == "true", name


def test_a_lost_node_or_zone_takes_as_few_pods_as_can_be(overlay: Manifests) -> None:
    for deployment in overlay.of("Deployment"):
        assert spreading_problems(deployment["spec"]["template"]) == [], deployment["metadata"]["name"]


@pytest.mark.parametrize(
    "crowd",
    [
        lambda pod: pod["spec"].pop("topologySpreadConstraints"),
        lambda pod: pod["spec"]["topologySpreadConstraints"].pop(),
        lambda pod: pod["spec"]["topologySpreadConstraints"][0].update(whenUnsatisfiable="DoNotSchedule"),
        lambda pod: pod["spec"]["topologySpreadConstraints"][0].update(matchLabelKeys=[]),
        lambda pod: pod["metadata"]["labels"].pop("app.kubernetes.io/component"),
    ],
)
def test_a_crowded_pod_is_found(overlay: Manifests, crowd: Callable[[Object], object]) -> None:
    pod = copy.deepcopy(overlay.named("Deployment", "orders-v1")["spec"]["template"])
    crowd(pod)
    assert spreading_problems(pod) != []


def test_a_new_pod_is_ready_before_an_old_one_goes(overlay: Manifests) -> None:
    for deployment in overlay.of("Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_every_pod_is_restricted(overlay: Manifests) -> None:
    assert {name: security_problems(pod) for name, pod in overlay.pods() if security_problems(pod)} == {}


@pytest.mark.parametrize(
    "weaken",
    [
        lambda pod: pod["spec"].pop("securityContext"),
        lambda pod: pod["spec"].pop("automountServiceAccountToken"),
        lambda pod: container(pod)["securityContext"].pop("readOnlyRootFilesystem"),
        lambda pod: container(pod)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
        lambda pod: pod["spec"].update(hostNetwork=True),
        lambda pod: pod["spec"]["volumes"].append({"name": "node", "hostPath": {"path": "/"}}),
    ],
)
def test_a_weakened_pod_is_found(overlay: Manifests, weaken: Callable[[Object], object]) -> None:
    pod = copy.deepcopy(overlay.named("Deployment", "catalog-v1")["spec"]["template"])
    weaken(pod)
    assert security_problems(pod) != []


def test_every_pod_says_what_it_needs_and_gets_twice_that_at_most(overlay: Manifests) -> None:
    for name, pod in overlay.pods():
        resources = container(pod)["resources"]
        assert set(resources["requests"]) == {"cpu", "memory", "ephemeral-storage"}, name
        for kind in ("memory", "ephemeral-storage"):
            assert 2 * amount(resources["requests"][kind]) <= amount(resources["limits"][kind]), (name, kind)


def test_only_envoy_is_limited_in_cpu_because_it_counts_its_workers_by_it(overlay: Manifests) -> None:
    limited = {name for name, pod in overlay.pods() if "cpu" in container(pod)["resources"]["limits"]}
    assert limited == {"gateway"}


def test_every_sidecar_says_what_it_needs(on_nodes: Manifests) -> None:
    for name, pod in on_nodes.pods():
        annotations = pod["metadata"]["annotations"]
        assert {
            key for key in ("CPU", "CPULimit", "Memory", "MemoryLimit") if f"sidecar.istio.io/proxy{key}" in annotations
        } == {"CPU", "CPULimit", "Memory", "MemoryLimit"}, name


def test_nobody_can_fill_a_nodes_disk(overlay: Manifests) -> None:
    for name, pod in overlay.pods():
        for volume in pod["spec"].get("volumes", []):
            assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"], (name, volume)


def test_a_pod_is_told_nothing_about_services_it_does_not_call(overlay: Manifests) -> None:
    for name, pod in overlay.pods():
        assert pod["spec"]["enableServiceLinks"] is False, name


def test_every_pod_says_which_app_and_version_it_is(overlay: Manifests) -> None:
    for name, pod in overlay.pods():
        labels = pod["metadata"]["labels"]
        assert labels["app"] == labels["app.kubernetes.io/name"], name
        assert labels["version"] == labels["app.kubernetes.io/version"], name


def test_a_service_knows_itself_from_its_pods_labels(overlay: Manifests) -> None:
    for deployment in overlay.services():
        sources = {
            one["name"]: one["valueFrom"]["fieldRef"]["fieldPath"]
            for one in container(deployment["spec"]["template"])["env"]
            if "fieldRef" in one.get("valueFrom", {})
        }
        assert sources == {
            "SERVICE_NAME": "metadata.labels['app']",
            "SERVICE_VERSION": "metadata.labels['version']",
            "POD_NAME": "metadata.name",
            "POD_NAMESPACE": "metadata.namespace",
        }


def test_deployments_are_told_apart_by_app_and_version_only(overlay: Manifests) -> None:
    for deployment in overlay.services():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        expected = {"app": labels["app"], "version": labels["version"]}
        assert deployment["spec"]["selector"]["matchLabels"] == expected
        assert deployment["metadata"]["name"] == "{app}-{version}".format(**expected)


def test_no_variable_is_given_twice(overlay: Manifests) -> None:
    for name, pod in overlay.pods():
        given = [one["name"] for one in container(pod).get("env", [])]
        assert len(given) == len(set(given)), name


def test_variables_refer_only_to_variables_before_them(overlay: Manifests) -> None:
    for name, pod in overlay.pods():
        known: set[str] = set()
        for one in container(pod).get("env", []):
            used = {part.split(")")[0] for part in one.get("value", "").split("$(")[1:]}
            assert {variable for variable in used if not variable.startswith("ARGOSY_")} <= known, (name, one)
            known.add(one["name"])
