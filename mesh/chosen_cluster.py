"""Which cluster does a command speak to? The one KUBECONFIG names, the local one without it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from mesh.local.problems import LocalClusterError, NotRunning
from mesh.local.settings import read_settings
from mesh.local.state_folder import StateFolder

NAMESPACE = "shop"
KUBECONFIG = "KUBECONFIG"
_USUAL = "~/.kube/config"

Context = Annotated[
    str, typer.Option("--context", help=f"Another context of KUBECONFIG than the current one; without it, of {_USUAL}.")
]


class WrongKubeconfig(LocalClusterError):
    """A kubeconfig that does not lead to one cluster."""

    exit_code = 4


@dataclass(frozen=True)
class Cluster:
    """One cluster: its kubeconfig, and the context in there; the current one when that is empty."""

    kubeconfig: Path
    context: str = ""
    local: bool = False
    """Whether it is this machine's own, whose pods are processes."""

    @property
    def name(self) -> str:
        """What people call it: its context. Raises WrongKubeconfig, NotRunning."""
        return self.context or str(self._read().get("current-context") or "")

    @property
    def server(self) -> str:
        """Where its API server is. Raises WrongKubeconfig, NotRunning."""
        document, name = self._read(), self.name
        contexts, clusters = _named(document, "context"), _named(document, "cluster")
        if name not in contexts:
            known = ", ".join(contexts) or "none"
            raise WrongKubeconfig(f"{self.kubeconfig} has no context {name or 'that is current'}; it has {known}")
        return str(clusters.get(str(contexts[name].get("cluster")), {}).get("server", ""))

    def _read(self) -> dict[str, Any]:
        if self.local and not self.kubeconfig.exists():
            raise NotRunning(self.kubeconfig.parent)
        try:
            document = yaml.load(self.kubeconfig.read_text(encoding="utf-8"), yaml.CSafeLoader)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise WrongKubeconfig(f"the kubeconfig {self.kubeconfig} cannot be read: {error}") from error
        return document if isinstance(document, dict) else {}


def meant(context: str = "", environ: Mapping[str, str] = os.environ) -> Cluster:
    """The cluster that is meant; whether it answers is not asked. Raises WrongKubeconfig.

    A kubeconfig that leads to the local cluster, a copy perhaps, means the local cluster.
    """
    local = Cluster(StateFolder(read_settings(environ).state).kubeconfig, local=True)
    given = environ.get(KUBECONFIG) or (_USUAL if context else "")
    if os.pathsep in given:
        raise WrongKubeconfig(f"{KUBECONFIG} names several files: name the one that is meant")
    if not given:
        return local
    cluster = Cluster(Path(given).expanduser().absolute(), context)
    if cluster.kubeconfig.resolve() == local.kubeconfig.resolve():
        return local
    return local if local.kubeconfig.exists() and cluster.server == local.server else cluster


def _named(document: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one.get(kind) or {} for one in document.get(f"{kind}s") or ()}
