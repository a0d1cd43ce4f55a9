"""What an overlay says of itself before any cluster is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mesh.deploy.overlay import find, read
from mesh.deploy.problems import WrongOverlay
from tests.deploy.objects import manifest, overlay, pod_spec, workload

CHECKOUT = Path(__file__).parents[2]


def test_an_overlay_is_found_by_its_name_and_by_its_folder() -> None:
    folder = CHECKOUT / "k8s" / "overlays" / "kind"
    assert find("kind", CHECKOUT) == find(str(folder), CHECKOUT) == folder


def test_one_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(WrongOverlay, match=r"there is no overlay kin: there are kind, production"):
        find("kin", CHECKOUT)


@pytest.mark.parametrize("typed", ["local", "k8s/overlays/local"])
def test_the_local_one_is_refused_and_says_what_to_type(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT)
    with pytest.raises(WrongOverlay, match="argosy up"):
        find(typed, CHECKOUT)


def test_a_placeholder_is_refused_with_the_command_that_replaces_it() -> None:
    image = "registry.example.com/argosy@sha256:" + "0" * 64
    built = yaml.safe_dump_all([workload("Deployment", "catalog-v1", pod_spec(image))])
    with pytest.raises(WrongOverlay, match="edit set image argosy=REGISTRY/argosy@sha256:DIGEST"):
        read(Path("k8s/overlays/production"), built)
    assert read(Path("kind"), built.replace("registry.example.com/", "")).images() == [image.partition("/")[2]]


def test_objects_of_two_namespaces_are_no_overlay() -> None:
    other = manifest("ConfigMap", "there")
    other["metadata"]["namespace"] = "elsewhere"
    torn = overlay(manifest("ConfigMap", "here"), other)
    with pytest.raises(WrongOverlay, match="2 namespaces"):
        assert torn.namespace


def test_the_secrets_that_pods_cannot_start_without_are_known_by_their_keys() -> None:
    mounted = pod_spec() | {"volumes": [{"name": "tls", "secret": {"secretName": "whole"}}]}
    optional = pod_spec("x", ("maybe", "key"))
    optional["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["optional"] = True
    gateway = manifest("Gateway", "gateway", {"servers": [{"tls": {"credentialName": "gateway-tls"}}, {}]})
    nightly = manifest(
        "CronJob", "report", {"jobTemplate": {"spec": {"template": {"spec": pod_spec("x", ("b", "k"))}}}}
    )
    found = overlay(
        workload("Deployment", "a", pod_spec("x", ("a-database", "url"), ("a-database", "ca"))),
        workload("StatefulSet", "b", mounted),
        workload("Job", "c", optional),
        workload("Deployment", "d", pod_spec("x", ("brought", "key"))),
        manifest("Secret", "brought"),
        nightly,
        gateway,
    ).secret_keys()
    assert found == {"a-database": {"url", "ca"}, "whole": set(), "b": {"k"}, "gateway-tls": set()}


def test_secrets_that_an_operator_makes_in_the_cluster_are_not_asked_for() -> None:
    asking = workload("Deployment", "a", pod_spec("x", ("one", "k"), ("two", "k"), ("three", "k"), ("four", "k")))
    makers = [
        manifest("SealedSecret", "one"),
        manifest("ExternalSecret", "x", {"target": {"name": "two"}}),
        manifest("Certificate", "y", {"secretName": "three"}),
    ]
    assert overlay(asking, *makers).secret_keys() == {"four": {"k"}}
