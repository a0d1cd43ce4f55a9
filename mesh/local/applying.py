"""How do manifests get into the cluster? As `kubectl apply --kustomize` puts them there, as early as each can go."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from mesh.local.addresses import Addresses
from mesh.local.problems import LocalClusterError

_LAST_WORDS = 1500
_ISTIO = ".istio.io/"


class Refused(LocalClusterError):
    """kubectl could not build or apply the manifests; the message ends with its words."""


@dataclass(frozen=True)
class Manifests:
    """Built manifests in two parts: what Kubernetes alone understands, and what istiod has to validate."""

    plain: str
    istio: str


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one cluster. Its methods block."""

    program: Path
    kubeconfig: Path

    def build(self, folder: Path, gateway: int) -> Manifests:
        """The kustomization in `folder`, its gateway on port `gateway`; needs no cluster. Raises Refused."""
        built = self._run(["kustomize", str(folder)], "")
        return split(move_port(built, Addresses().gateway, gateway))

    def apply(self, manifests: str) -> None:
        """Apply YAML documents. Raises Refused."""
        if manifests:
            self._run(["apply", "--filename=-"], manifests)

    def _run(self, arguments: list[str], given: str) -> str:
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, check=False, input=given, capture_output=True, text=True)
        if done.returncode:
            words = done.stderr[-_LAST_WORDS:]
            raise Refused(f"kubectl {' '.join(arguments)} ended with {done.returncode}:\n{words}")
        return done.stdout


def split(manifests: str) -> Manifests:
    """The YAML documents in `manifests`, by who has to be there to take them; their order is kept."""
    documents = [document for document in yaml.load_all(manifests, yaml.CSafeLoader) if document]
    istio = [document for document in documents if _ISTIO in document["apiVersion"]]
    plain = [document for document in documents if document not in istio]
    return Manifests(*(yaml.dump_all(part, Dumper=yaml.CSafeDumper) if part else "" for part in (plain, istio)))


def move_port(manifests: str, written: int, wanted: int) -> str:
    """`manifests` with every value that is the port `written` replaced by `wanted`.

    A further cluster on the same machine (ARGOSY_INSTANCE) needs another gateway port than the one in k8s/.
    """
    return re.sub(rf'(?m)([:-] "?){written}("?)$', rf"\g<1>{wanted}\2", manifests)
