from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mesh.canary.act.managed import application_of, leaves_alone, reverts
from mesh.canary.act.route import Route
from tests.canary.act.routes import primary, virtual_service

SAMPLE = Path(__file__).parents[3] / "k8s" / "gitops" / "argo-cd" / "application.yaml"
TRACKED = {"argocd.argoproj.io/tracking-id": "shop:networking.istio.io/VirtualService:shop/catalog"}
FLUX_LABEL = {"kustomize.toolkit.fluxcd.io/name": "shop"}
FLUX_ONCE = {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}


def route(*managers: str, **metadata: Any) -> Route:
    fields = [{"manager": name, "time": f"2026-01-01T00:00:0{at}Z"} for at, name in enumerate(managers)]
    return Route.of("catalog", virtual_service(primary(v1=100, v2=0), managedFields=fields, **metadata))


def application(ignored: list[dict[str, Any]], *options: str) -> dict[str, Any]:
    return {"spec": {"ignoreDifferences": ignored, "syncPolicy": {"syncOptions": list(options)}}}


def ignoring(*paths: str, kind: str = "VirtualService") -> list[dict[str, Any]]:
    return [{"kind": kind, "jqPathExpressions": list(paths)}]


@pytest.mark.parametrize("manager", ["argosy", "argosy-canary", "kubectl-client-side-apply", "helm"])
def test_whoever_writes_only_when_asked_reverts_nothing(manager: str) -> None:
    assert reverts(route(manager)) is None


@pytest.mark.parametrize(
    ("found", "who"),
    [
        (route("kustomize-controller"), "Flux"),
        (route("helm-controller"), "Flux"),
        (route(labels=FLUX_LABEL), "Flux"),
        (route("flagger"), "Flagger"),
        (route("rollouts-controller"), "Argo Rollouts"),
        (route("argocd-controller"), "Argo CD"),
        (route(annotations=TRACKED), "Application shop"),
        (route(ownerReferences=[{"kind": "Canary", "name": "catalog", "controller": True}]), "Canary catalog owns"),
    ],
)
def test_a_controller_that_would_set_the_weights_back_is_named(found: Route, who: str) -> None:
    assert who in str(reverts(found))


def test_what_flux_makes_only_once_may_move() -> None:
    assert reverts(route("kustomize-controller", labels=FLUX_LABEL, annotations=FLUX_ONCE)) is None
    disabled = {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}
    assert reverts(route("kustomize-controller", annotations=disabled)) is None


def test_people_may_say_that_nobody_reverts_weights() -> None:
    assert reverts(route("argocd-controller", annotations={**TRACKED, "argosy/weights": "operators"})) is None
    assert reverts(route("argocd-controller", annotations={**TRACKED, "argosy/weights": "git"})) is not None


def test_our_own_argo_cd_application_leaves_a_canary_alone() -> None:
    sample = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    assert leaves_alone(sample)
    assert reverts(route(annotations=TRACKED), sample) is None
    assert application_of(route(annotations=TRACKED)) == "shop"


@pytest.mark.parametrize(
    "careless",
    [
        application([]),
        application(ignoring(".spec.http"), "ServerSideApply=true"),  # not compared, and set back by the next sync
        application(ignoring(".spec.http[]?.route[]?.weight"), "RespectIgnoreDifferences=true"),  # the header rule?
        application(ignoring(".spec.http", kind="DestinationRule"), "RespectIgnoreDifferences=true"),
    ],
)
def test_an_application_that_sets_anything_of_a_canary_back_is_refused(careless: dict[str, Any]) -> None:
    assert "ignoreDifferences" in str(reverts(route(annotations=TRACKED), careless))


def test_an_application_that_ignores_the_whole_route_is_fine() -> None:
    assert leaves_alone(application(ignoring(".spec.http"), "RespectIgnoreDifferences=true"))
    pointers = [{"kind": "*", "jsonPointers": ["/spec/http"]}]
    assert leaves_alone(application(pointers, "ApplyOutOfSyncOnly=true"))
