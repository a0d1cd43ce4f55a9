"""What does a folder of k8s/ come to? Its objects, as kustomize builds them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

K8S = Path(__file__).parents[2] / "k8s"

Object = dict[str, Any]


@dataclass(frozen=True)
class Manifests:
    """The objects of one overlay."""

    text: str
    objects: tuple[Object, ...]

    def of(self, *kinds: str) -> list[Object]:
        return [one for one in self.objects if one["kind"] in kinds]

    def named(self, kind: str, name: str) -> Object:
        (found,) = [one for one in self.of(kind) if one["metadata"]["name"] == name]
        return found

    def names(self, kind: str) -> set[str]:
        return {one["metadata"]["name"] for one in self.of(kind)}

    def services(self) -> list[Object]:
        """The Deployments of the shop's own services, canaries included, the gateway not."""
        return [one for one in self.of("Deployment") if "app.kubernetes.io/component" in one["metadata"]["labels"]]

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Who makes pods, by name, and the pod template it makes them from."""
        for one in self.of("Deployment", "StatefulSet", "Job"):
            yield one["metadata"]["name"], one["spec"]["template"]
        for one in self.of("CronJob"):
            yield one["metadata"]["name"], one["spec"]["jobTemplate"]["spec"]["template"]


def overlay_named(name: str) -> Path:
    return K8S / "overlays" / name


def build(kubectl: Path, folder: Path) -> Manifests:
    """Build `folder` with kustomize; a folder that does not build fails the test with kustomize's words."""
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Manifests(done.stdout, tuple(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader)))


def seconds(duration: str) -> float:
    """Istio's durations as this project writes them: "400ms", "10s"."""
    return float(duration.removesuffix("ms")) / 1000 if duration.endswith("ms") else float(duration.removesuffix("s"))


UNITS = {"m": 0.001, "Mi": 2**20, "Gi": 2**30}


def amount(quantity: str) -> float:
    """Kubernetes' quantities as this project writes them: "100m", "2", "64Mi", "1Gi"."""
    number = quantity.rstrip("".join(UNITS))
    return float(number) * UNITS.get(quantity.removeprefix(number), 1)
