"""Every field is known, of its type and of its version, in every version of Kubernetes; and Istio's too."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest

from mesh.manifests.schemas import VERSIONS, Schemas
from tests.manifests.objects import CERTIFICATE, DEPLOYMENT, ROUTE, WORKLOAD, changed, parsed

CONTAINER = "spec.template.spec.containers.0"


def said(known: Schemas, one: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.path, problem.message) for problem in known.problems("here", one)]


@pytest.mark.parametrize("text", [DEPLOYMENT, ROUTE, CERTIFICATE])
def test_an_object_that_is_right_is_accepted(known: Schemas, text: str) -> None:
    assert said(known, parsed(text)) == []


def test_a_misspelt_field_is_refused_in_every_version(known: Schemas) -> None:
    ((path, message),) = said(known, changed(DEPLOYMENT, f"{CONTAINER}.redinessProbe", {}))
    assert path == "spec.template.spec.containers[0]"
    assert "'redinessProbe' was unexpected" in message
    assert message.endswith(f"(Kubernetes {', '.join(VERSIONS)})")


def test_a_wrong_type_is_refused(known: Schemas) -> None:
    ((path, message),) = said(known, changed(DEPLOYMENT, "spec.replicas", "2"))
    assert path == "spec.replicas"
    assert "'2' is not of type 'integer'" in message


def test_a_field_that_is_missing_is_named(known: Schemas) -> None:
    ((_, message),) = said(known, {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"schedule": "@daily"}})
    assert "'jobTemplate' is a required property" in message


def test_an_api_that_is_gone_in_1_36_is_refused_there(known: Schemas) -> None:
    ((_, message),) = said(known, changed(WORKLOAD, "spec.podGroups", []))[-1:]
    assert message == "nobody knows Workload of scheduling.k8s.io/v1alpha1 (Kubernetes 1.33, 1.34, 1.36)"


def test_a_kind_of_another_group_is_not_taken_for_its_namesake(known: Schemas) -> None:
    ((_, message),) = said(known, changed(DEPLOYMENT, "apiVersion", "apps.example.com/v1"))
    assert message.startswith("nobody knows Deployment of apps.example.com/v1")


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        ("spec.http.0.retrys", {}, "'retrys' was unexpected"),
        ("spec.http.0.route.0.weight", "half", "'half' is not of type 'integer'"),
        ("spec.http.0.route.0.destination", {"subset": "v1"}, "'host' is a required property"),
        ("metadata.lables", {}, "'lables' was unexpected"),
        ("specs", {}, "'specs' was unexpected"),
    ],
)
def test_istios_kinds_are_as_strict(known: Schemas, place: str, value: object, complaint: str) -> None:
    assert [message for _, message in said(known, changed(ROUTE, place, value)) if complaint in message] != []


def test_a_version_of_istios_kind_that_is_not_the_newest_is_refused(known: Schemas) -> None:
    assert said(known, changed(ROUTE, "apiVersion", "networking.istio.io/v1alpha3")) != []


def test_kinds_from_elsewhere_are_as_strict(known: Schemas) -> None:
    assert said(known, changed(CERTIFICATE, "spec.issuer", "public")) != []


@pytest.mark.parametrize("value", [None, 0, "two", -1.5])
@pytest.mark.parametrize("place", ["spec.replicas", f"{CONTAINER}.image", "metadata.labels", "spec.strategy"])
def test_the_library_that_brings_the_schemas_agrees(known: Schemas, place: str, value: object) -> None:
    one = changed(DEPLOYMENT, place, value)
    for kubernetes in known.kubernetes:
        try:
            kubernetes_validate.validate(one, kubernetes.version, strict=True)
            accepts = True
        except kubernetes_validate.ValidationError:
            accepts = False
        assert (kubernetes.version not in "".join(message for _, message in said(known, one))) == accepts
