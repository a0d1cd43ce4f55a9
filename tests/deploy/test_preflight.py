"""A cluster that cannot take an overlay is told apart before anything is applied, with the next step for each gap."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh.deploy.overlay import Manifest
from mesh.deploy.preflight import Facts, lacking
from tests.deploy.objects import manifest, overlay, pod_spec, workload

DEFAULT = "storageclass.kubernetes.io/is-default-class"
GOOD = Facts(
    version="v1.36.1-eks-1",
    istio=frozenset({"networking.istio.io/v1", "security.istio.io/v1"}),
    injector=True,
    runtimes=("containerd://2.0",),
    default_storage=True,
    secrets=frozenset(),
)
SHOP = overlay({**manifest("VirtualService", "catalog"), "apiVersion": "networking.istio.io/v1"})
NEEDY = overlay(workload("Deployment", "catalog-v1", pod_spec("x", ("catalog-database", "url"))), name="production")


def test_a_good_cluster_lacks_nothing() -> None:
    assert lacking(GOOD, SHOP) == []


def test_where_we_may_not_look_nothing_is_said() -> None:
    assert lacking(replace(GOOD, injector=None, runtimes=None, default_storage=None), SHOP) == []


@pytest.mark.parametrize(
    ("facts", "next_step"),
    [
        (replace(GOOD, runtimes=("process://argosy",)), "`argosy up`"),
        (replace(GOOD, version="v1.32.9"), "older than 1.33"),
        (replace(GOOD, istio=frozenset({"networking.istio.io/v1beta1"})), "istioctl install"),
        (replace(GOOD, injector=False), "nothing injects"),
    ],
)
def test_each_gap_is_named_with_its_next_step(facts: Facts, next_step: str) -> None:
    (gap,) = lacking(facts, SHOP)
    assert next_step in gap


def test_all_gaps_are_named_at_once() -> None:
    assert len(lacking(replace(GOOD, version="v1.20.0", injector=False), SHOP)) == 2


def test_secrets_from_outside_must_be_there_unless_the_overlay_has_its_own_database() -> None:
    (gap,) = lacking(GOOD, NEEDY)
    assert "kubectl -n shop create secret generic catalog-database" in gap
    assert lacking(replace(GOOD, secrets=frozenset({"catalog-database"})), NEEDY) == []
    with_server = overlay(*NEEDY.objects[1:], workload("StatefulSet", "postgresql"))
    assert lacking(GOOD, with_server) == []


CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"]}}
NAMED = {"spec": {**CLAIM["spec"], "storageClassName": "fast"}}


@pytest.mark.parametrize(
    ("claiming", "gaps"),
    [
        (manifest("PersistentVolumeClaim", "orders", CLAIM["spec"]), 1),
        (manifest("PersistentVolumeClaim", "orders", NAMED["spec"]), 0),
        (manifest("StatefulSet", "postgresql", {"template": {"spec": pod_spec()}, "volumeClaimTemplates": [CLAIM]}), 1),
        (manifest("StatefulSet", "postgresql", {"template": {"spec": pod_spec()}, "volumeClaimTemplates": [NAMED]}), 0),
        (workload("Deployment", "catalog-v1"), 0),
    ],
)
def test_without_a_default_storage_class_no_claim_may_depend_on_one(claiming: Manifest, gaps: int) -> None:
    assert lacking(GOOD, overlay(claiming)) == []
    found = lacking(replace(GOOD, default_storage=False), overlay(claiming))
    assert len(found) == gaps
    assert all(f"annotate storageclass NAME {DEFAULT}=true" in one for one in found)
