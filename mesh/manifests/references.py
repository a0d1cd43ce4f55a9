"""Do the objects of an overlay find each other? What schemas, Istio and kube-score do not look at; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh.manifests.problem import Object, Problem, name_of

_WITH_PODS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
_GIVEN = "ConfigMap/kube-root-ca.crt"  # Kubernetes puts it into every namespace


def unresolved(where: str, objects: Sequence[Object]) -> list[Problem]:
    """Names and selectors that lead nowhere. Secrets come from outside and may."""
    there = {_GIVEN, *(name_of(one) for one in objects)}
    pods = [(one, template) for one in objects for template in _templates(one)]
    return [
        *(problem for one, pod in pods for problem in _missing(where, one, pod, there)),
        *(problem for one, pod in pods for problem in _spread_over_others(where, one, pod)),
        *_guarding_nothing(where, objects, [pod for _, pod in pods]),
    ]


def _missing(where: str, one: Object, pod: Object, there: set[str]) -> Iterator[Problem]:
    for wanted in dict.fromkeys(_named_by(pod["spec"])):
        if wanted not in there:
            yield Problem(where, name_of(one), "", f"names {wanted}, which is not there", "references")


def _named_by(spec: Mapping[str, Any]) -> Iterator[str]:
    if account := spec.get("serviceAccountName"):
        yield f"ServiceAccount/{account}"
    for volume in spec.get("volumes", []):
        sources = [volume, *volume.get("projected", {}).get("sources", [])]
        yield from (f"ConfigMap/{one['configMap']['name']}" for one in sources if "configMap" in one)
        if claim := volume.get("persistentVolumeClaim"):
            yield f"PersistentVolumeClaim/{claim['claimName']}"
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        given = [one.get("valueFrom", {}).get("configMapKeyRef") for one in container.get("env", [])]
        given += [one.get("configMapRef") for one in container.get("envFrom", [])]
        yield from (f"ConfigMap/{one['name']}" for one in given if one and not one.get("optional"))


def _spread_over_others(where: str, one: Object, pod: Object) -> Iterator[Problem]:
    for index, constraint in enumerate(pod["spec"].get("topologySpreadConstraints", [])):
        if not _selects(constraint.get("labelSelector"), pod):
            path = f"topologySpreadConstraints[{index}].labelSelector"
            yield Problem(where, name_of(one), path, "does not select the pod it spreads", "references")


def _guarding_nothing(where: str, objects: Sequence[Object], pods: Sequence[Object]) -> Iterator[Problem]:
    for one in objects:
        if one["kind"] == "PodDisruptionBudget" and not any(_selects(one["spec"]["selector"], pod) for pod in pods):
            yield Problem(where, name_of(one), "spec.selector", "selects no pod", "references")


def _templates(one: Object) -> list[Object]:
    spec = one.get("spec", {})
    if one["kind"] == "CronJob":
        spec = spec.get("jobTemplate", {}).get("spec", {})
    return [spec["template"]] if one["kind"] in (*_WITH_PODS, "CronJob") and "template" in spec else []


def _selects(selector: Mapping[str, Any] | None, pod: Object) -> bool:
    labels = pod.get("metadata", {}).get("labels", {})
    if selector is None:
        return False
    equal = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return equal and all(_fits(one, labels) for one in selector.get("matchExpressions", []))


def _fits(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    return {
        "In": value in expression.get("values", []),
        "NotIn": value not in expression.get("values", []),
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }.get(expression["operator"], False)
