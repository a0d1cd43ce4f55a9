"""Would somebody set a canary's weights back? Who manages a VirtualService leaves traces on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mesh.canary.act.route import HEADER_RULE, Route

FLUX, ARGO_CD = "kustomize.toolkit.fluxcd.io", "argocd.argoproj.io"
OURS = "argosy/weights"
"""An annotation by which people say that nobody sets the weights back: its value is `operators`."""
_FLUX_MANAGERS = {"kustomize-controller", "helm-controller"}
_ARGO_MANAGERS = {"argocd-controller", "argocd-application-controller"}
_OTHER_CANARIES = {"flagger": "Flagger", "rollouts-controller": "Argo Rollouts"}
_UNMANAGED = f"set the annotation {OURS}=operators on the VirtualService once nobody does"


def application_of(route: Route) -> str | None:
    """The Argo CD Application that manages the route; empty: it is not named; None: none does."""
    names = {manager.name for manager in route.managers}
    tracked = _annotations(route).get(f"{ARGO_CD}/tracking-id")
    labelled = _labels(route).get(f"{ARGO_CD}/instance")
    if tracked or labelled:
        return labelled or str(tracked).partition(":")[0]
    return "" if names & _ARGO_MANAGERS else None


def reverts(route: Route, application: Mapping[str, Any] | None = None) -> str | None:
    """Who would set the weights back, and what to do about it; None: nobody that can be seen.

    `application` is the Argo CD Application of `application_of`, where it can be read.
    """
    if _annotations(route).get(OURS) == "operators":
        return None
    names = {manager.name for manager in route.managers}
    for manager, name in _OTHER_CANARIES.items():
        if manager in names:
            return f"{name} shifts this route's traffic: two canaries at once are none"
    for owner in route.metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return f"{owner['kind']} {owner['name']} owns the VirtualService and makes it as it wants it"
    return _by_flux(route, names) or _by_argo_cd(route, application)


def _by_flux(route: Route, names: set[str]) -> str | None:
    annotations, labels = _annotations(route), _labels(route)
    managed = f"{FLUX}/name" in labels or "helm.toolkit.fluxcd.io/name" in labels or bool(names & _FLUX_MANAGERS)
    once = annotations.get(f"{FLUX}/ssa") in {"IfNotPresent", "Ignore"}
    if not managed or once or annotations.get(f"{FLUX}/reconcile") == "disabled":
        return None
    return f"Flux sets the weights back: annotate the VirtualService in git with {FLUX}/ssa: IfNotPresent"


def _by_argo_cd(route: Route, application: Mapping[str, Any] | None) -> str | None:
    name = application_of(route)
    if name is None:
        return None
    if application is None:
        return f"Argo CD manages the VirtualService, and its Application {name} cannot be read here: {_UNMANAGED}"
    if leaves_alone(application):
        return None
    return (
        f"Argo CD sets the weights back: let the ignoreDifferences of Application {name} name the weights and the rule"
        f" {HEADER_RULE}, as k8s/gitops/argo-cd/application.yaml does"
    )


def leaves_alone(application: Mapping[str, Any]) -> bool:
    """Whether an Argo CD Application ignores the weights and the header rule of a VirtualService, also in a sync."""
    spec = application.get("spec") or {}
    sync = spec.get("syncPolicy") or {}
    options = set(sync.get("syncOptions") or ())
    kept_in_a_sync = options & {"RespectIgnoreDifferences=true", "ApplyOutOfSyncOnly=true"}
    ignored = set(_ignored(spec))
    return bool(kept_in_a_sync) and ("all" in ignored or {"weights", "header"} <= ignored)


def _ignored(spec: Mapping[str, Any]) -> Iterator[str]:
    """What of a route the Application does not compare. Of jq only the forms that our sample uses are understood."""
    for rule in spec.get("ignoreDifferences") or ():
        if rule.get("kind") not in {"VirtualService", "*"}:
            continue
        if {"/spec", "/spec/http"} & set(rule.get("jsonPointers") or ()):
            yield "all"
        for path in rule.get("jqPathExpressions") or ():
            if path in {".spec", ".spec.http"}:
                yield "all"
            elif path.startswith(".spec.http[]") and path.endswith(".weight"):
                yield "weights"
            elif path.startswith(".spec.http[]") and 'startswith("canary' in path:
                yield "header"


def _annotations(route: Route) -> Mapping[str, str]:
    return route.metadata.get("annotations") or {}


def _labels(route: Route) -> Mapping[str, str]:
    return route.metadata.get("labels") or {}
