"""How do manifests get into the cluster? As `kubectl apply --server-side` puts them there, as early as each can go."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from mesh.local.addresses import Addresses
from mesh.local.problems import LocalClusterError

_LAST_WORDS = 1500
# The server refuses unknown fields in what it applies, so kubectl need not load every schema (half a second) to look
# for them first.
_BY_THE_SERVER = ("--server-side", "--force-conflicts", "--validate=false")
# A command of a quarter of a second is over before it needs its memory back.
_ENVIRONMENT = {"GOGC": "400"}
_ISTIO = ".istio.io/"


class Refused(LocalClusterError):
    """kubectl could not build or apply the manifests; the message ends with its words."""


class TookTooLong(LocalClusterError):
    """kubectl did not end in the time it was given, and was killed; applying again is safe."""

    exit_code = 8

    def __init__(self, command: str, seconds: float) -> None:
        super().__init__(f"kubectl {command} has not ended within {seconds:.0f} s")
        self.command = command


@dataclass(frozen=True)
class Manifests:
    """Built manifests in two parts: what Kubernetes alone understands, and what istiod has to validate."""

    plain: str
    istio: str


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one cluster. Its methods block, for `within` seconds at the longest; then they raise TookTooLong."""

    program: Path
    kubeconfig: Path

    def build(self, folder: Path, gateway: int, within: float) -> Manifests:
        """The kustomization in `folder`, its gateway on port `gateway`; needs no cluster. Raises Refused."""
        built = self._run(["kustomize", str(folder)], "", within)
        return split(move_port(built, Addresses().gateway, gateway))

    def apply(self, manifests: str, within: float) -> None:
        """Apply YAML documents; what others have changed in them is changed back. Raises Refused."""
        if manifests:
            self._run(["apply", *_BY_THE_SERVER, "--filename=-"], manifests, within)

    def _run(self, arguments: list[str], given: str, within: float) -> str:
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}", *arguments]
        environment = {**os.environ, **_ENVIRONMENT}
        try:
            done = subprocess.run(
                command, check=False, input=given, capture_output=True, text=True, env=environment, timeout=within
            )
        except subprocess.TimeoutExpired:
            raise TookTooLong(arguments[0], within) from None
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
