"""May experiments be done to this cluster? The local one, and those somebody has named for it; never production. Pure.

ARGOSY_CHAOS_CONTEXTS=staging,team-a    contexts that are for experiments, besides those of kind, k3d and minikube
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mesh.chaos.problems import Refused
from mesh.chosen_cluster import NAMESPACE, Cluster

VARIABLE = "ARGOSY_CHAOS_CONTEXTS"
ENVIRONMENT = "argosy/environment"  # a label of the namespace
PRODUCTION = "production"
_PRODUCTIVE = {"production", "prod", "prd", "live"}
_OF_DEVELOPERS = re.compile(r"(kind-|k3d-).+|minikube")


def check(cluster: Cluster, namespace: str, labels: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Raises Refused, with the reason and what to do about it. `labels`: the namespace's."""
    if labels.get(ENVIRONMENT) == PRODUCTION:
        raise Refused(f"namespace {namespace} is labelled {ENVIRONMENT}: {PRODUCTION}; no experiment is done to it")
    if cluster.local:
        return
    context = cluster.name
    if productive := _PRODUCTIVE & set(re.split(r"[^a-z]+", context.lower())):
        raise Refused(f"context {context} is called {productive.pop()}; no experiment is done to it")
    if namespace != NAMESPACE:
        raise Refused(f"experiments are done to namespace {NAMESPACE} alone, not to {namespace}")
    allowed = {name.strip() for name in environ.get(VARIABLE, "").split(",")}
    if context not in allowed and not _OF_DEVELOPERS.fullmatch(context):
        raise Refused(f"context {context} is not for experiments; if it is, say {VARIABLE}={context}")
