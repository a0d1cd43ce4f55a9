"""How do manifests get into the cluster? As `kubectl apply --server-side` puts them there, as early as each can go."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
_GATEWAYS = {"gateway", "gateway-tokens"}

Document = dict[str, Any]


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
        documents = [document for document in yaml.load_all(built, yaml.CSafeLoader) if document]
        return split(move_gateway(documents, Addresses().gateway, gateway))

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


def split(documents: Iterable[Document]) -> Manifests:
    """The documents by who has to be there to take them; their order is kept."""
    documents = list(documents)
    istio = [document for document in documents if _ISTIO in document["apiVersion"]]
    plain = [document for document in documents if document not in istio]
    return Manifests(*(yaml.dump_all(part, Dumper=yaml.CSafeDumper) if part else "" for part in (plain, istio)))


def move_gateway(documents: Iterable[Document], written: int, wanted: int) -> Iterator[Document]:
    """The documents with the gateway's own port `written` replaced by `wanted`.

    A further cluster on the same machine (ARGOSY_INSTANCE) needs another than the one in k8s/. Pods have addresses of
    their own, so their ports stay, also where the gateway's routes name them.
    """
    for document in documents:
        own = document["metadata"]["name"] in _GATEWAYS and document["kind"] != "VirtualService"
        yield _moved(document, {written: wanted, str(written): str(wanted)}) if own else document


def _moved(value: Any, ports: Mapping[Any, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _moved(each, ports) for key, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, ports) for each in value]
    return ports.get(value, value)
