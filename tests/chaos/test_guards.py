from __future__ import annotations

from pathlib import Path

import pytest

from mesh.chaos.guards import ENVIRONMENT, VARIABLE, check
from mesh.chaos.problems import REFUSED, Refused
from mesh.chosen_cluster import Cluster

LOCAL = Cluster(Path("kubeconfig"), "local", local=True)


def of(context: str) -> Cluster:
    return Cluster(Path("kubeconfig"), context)


@pytest.mark.parametrize(
    "cluster", [LOCAL, of("kind-argosy"), of("k3d-shop"), of("minikube")], ids=lambda one: one.name
)
def test_clusters_of_developers_are_for_experiments(cluster: Cluster) -> None:
    check(cluster, "shop", {}, {})


@pytest.mark.parametrize("context", ["prod", "eu-production", "PRD-1", "shop.live", "kind-prod"])
def test_a_context_called_production_is_refused_even_when_it_is_named(context: str) -> None:
    with pytest.raises(Refused, match=context) as refused:
        check(of(context), "shop", {}, {VARIABLE: context})
    assert refused.value.exit_code == REFUSED


@pytest.mark.parametrize("cluster", [LOCAL, of("kind-argosy"), of("staging")], ids=lambda one: one.name)
def test_a_namespace_labelled_production_is_refused_wherever_it_is(cluster: Cluster) -> None:
    with pytest.raises(Refused, match="production"):
        check(cluster, "shop", {ENVIRONMENT: "production"}, {VARIABLE: "staging"})


def test_another_context_has_to_be_named() -> None:
    with pytest.raises(Refused, match=f"{VARIABLE}=staging"):
        check(of("staging"), "shop", {}, {})
    check(of("staging"), "shop", {}, {VARIABLE: "team-a, staging"})


def test_only_the_shops_namespace_is_hurt() -> None:
    with pytest.raises(Refused, match="default"):
        check(of("kind-argosy"), "default", {}, {})


def test_a_product_is_no_production() -> None:
    check(of("products"), "shop", {}, {VARIABLE: "products"})
