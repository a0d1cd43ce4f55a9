"""An API server takes every object of every overlay: what admission, rules in CEL and Istio's webhook say included.

Into a namespace of its own, as if new: over the running shop, fields that cannot change would be judged instead.
"""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from mesh.local.programs import programs_of
from mesh.local.settings import read_settings
from mesh.manifests.building import Built, build_all
from mesh.manifests.gitops import read_samples, trials
from tests.end_to_end.conftest import CHECKOUT, Done, argosy

pytestmark = pytest.mark.usefixtures("cluster")

LOG = logging.getLogger(__name__)
NAMESPACE = "shop-manifests"
OF_OTHERS = {"Certificate", "ExternalSecret"}
"""Kinds of cert-manager and External Secrets, which a cluster has or not."""

Object = dict[str, Any]


@pytest.fixture(scope="module")
def namespace(cluster: None) -> Iterator[str]:
    assert argosy("kubectl", "create", "namespace", NAMESPACE).code == 0
    yield NAMESPACE
    assert argosy("kubectl", "delete", "namespace", NAMESPACE, "--timeout=120s").code == 0


@pytest.fixture(scope="module")
def builds() -> dict[str, Built]:
    kubectl = programs_of(read_settings(os.environ)).folder / "kubectl"
    with ThreadPoolExecutor() as pool:
        return {one.name: one for one in build_all(CHECKOUT, kubectl, pool, trials(CHECKOUT, read_samples(CHECKOUT)))}


@pytest.fixture(scope="module")
def served(cluster: None) -> set[tuple[str, str]]:
    """Every apiVersion and kind the cluster knows."""
    rows = [line.split() for line in argosy("kubectl", "api-resources", "--no-headers").out.splitlines()]
    return {(row[-3], row[-1]) for row in rows}


def elsewhere(objects: Sequence[Any]) -> list[Object]:
    """The objects as they would be in the other namespace; the Namespace itself stays what it is."""
    moved = copy.deepcopy([dict(one) for one in objects])
    for one in moved:
        if "namespace" in one["metadata"]:
            one["metadata"]["namespace"] = NAMESPACE
    return moved


def tried(objects: Sequence[Object]) -> Done:
    """What the API server says of the objects; it stores nothing."""
    flags = ["--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "-o", "name"]
    return argosy("kubectl", "apply", *flags, "-f", "-", stdin=yaml.safe_dump_all(objects), patience=180)


def test_every_object_of_every_overlay_is_taken(
    builds: dict[str, Built], served: set[tuple[str, str]], namespace: str
) -> None:
    for name, built in builds.items():
        known = [one for one in built.objects if (one["apiVersion"], one["kind"]) in served]
        left_out = {one["kind"] for one in built.objects if one not in known}
        counts = len(known), len(built.objects) - len(known)
        LOG.info("%s: %d objects tried, %d left out %s", name, *counts, sorted(left_out))
        assert left_out <= (OF_OTHERS if built.on else set())
        done = tried(elsewhere(known))
        assert done.code == 0, f"{name}: {done.err}"
        assert len(done.out.splitlines()) == len(known)


def test_nothing_is_stored(builds: dict[str, Built], namespace: str) -> None:
    assert tried(elsewhere(builds["local"].objects)).code == 0
    assert argosy("kubectl", "-n", namespace, "get", "deployments,services,virtualservices", "-o", "name").out == ""


def spoilt(built: Built, kind: str, place: str, value: object) -> list[Object]:
    """One object of the overlay with another value at a dotted place."""
    (one, *_) = elsewhere([one for one in built.objects if one["kind"] == kind])
    *way, last = place.split(".")
    node: Any = one
    for part in way:
        node = node[part]
    node[last] = value
    return [one]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("Deployment", "spec.replica", 2), "field not declared in schema"),
        (("Deployment", "spec.template.metadata.labels", {"app": "other"}), "`selector` does not match"),
        (("CronJob", "spec.schedule", "at night"), "spec.schedule"),
        (("DestinationRule", "spec.trafficPolicy.outlierDetection.interval", "soon"), "interval"),
        (("VirtualService", "spec.http", []), "must be provided"),
    ],
)
def test_the_server_refuses_what_is_wrong(
    builds: dict[str, Built], namespace: str, change: tuple[str, str, object], complaint: str
) -> None:
    done = tried(spoilt(builds["local"], *change))
    assert done.code != 0
    assert complaint in done.err, done.err
