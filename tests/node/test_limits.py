from __future__ import annotations

from typing import Any

import pytest

from mesh.local.node.limits import LeftOut, left_out
from tests.node.pods import container, pod_of


def found(*containers: dict[str, Any], **spec: Any) -> LeftOut | None:
    pod = pod_of(*containers, **spec)
    assert pod.spec is not None
    return left_out(pod.spec)


def sentence(*containers: dict[str, Any], **spec: Any) -> str | None:
    left = found(*containers, **spec)
    return left.sentence if left else None


def spread(unsatisfiable: str) -> dict[str, Any]:
    return {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": unsatisfiable}


def test_a_pod_that_gets_all_it_asks_for_is_not_mentioned() -> None:
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", "persistentVolumeClaim": {"claimName": "b"}}]
    assert sentence(container(resources={"requests": {"cpu": "1"}}), volumes=volumes, securityContext={}) is None


@pytest.mark.parametrize(
    ("fields", "spec", "named"),
    [
        ({"image": "docker.io/library/nginx:1"}, {}, "image docker.io/library/nginx:1"),
        ({"resources": {"limits": {"cpu": "1"}}}, {}, "resource limits"),
        ({"securityContext": {"runAsNonRoot": True}}, {}, "securityContext"),
        ({}, {"securityContext": {"runAsUser": 5}}, "securityContext"),
        ({"volumeMounts": [{"name": "v", "mountPath": "/data"}]}, {}, "mount paths"),
        ({}, {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volume v"),
        ({}, {"nodeSelector": {"gpu": "yes"}}, "nodeSelector"),
        ({}, {"activeDeadlineSeconds": 5}, "activeDeadlineSeconds"),
        ({}, {"topologySpreadConstraints": [spread("DoNotSchedule")]}, "topologySpreadConstraints"),
    ],
)
def test_what_a_process_cannot_have_is_named(fields: dict[str, Any], spec: dict[str, Any], named: str) -> None:
    assert named in (sentence(container(**fields), **spec) or "")


def test_a_wish_to_be_spread_is_granted_by_a_single_node() -> None:
    assert sentence(container(), topologySpreadConstraints=[spread("ScheduleAnyway")]) is None


@pytest.mark.parametrize("image", ["argosy:dev", "argosy", "registry.example/team/argosy@sha256:00", "auto"])
def test_our_own_image_is_the_checkout(image: str) -> None:
    assert sentence(container(image=image)) is None


def test_only_what_changes_the_behaviour_is_a_warning() -> None:
    isolation, other_image = found(container(resources={"limits": {"cpu": "1"}})), found(container(image="nginx"))
    assert isolation is not None
    assert other_image is not None
    assert (isolation.serious, other_image.serious) == (False, True)


def test_everything_is_said_in_one_sentence() -> None:
    said = sentence(container(image="nginx", resources={"limits": {"cpu": "1"}}), securityContext={"runAsUser": 1})
    assert said is not None
    assert said.count("leaves out") == 1
    assert said.endswith("image nginx (the command runs in the checkout), resource limits, securityContext")
