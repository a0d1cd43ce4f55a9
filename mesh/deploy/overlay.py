"""What is to be deployed? The objects of a built overlay, and what can be said of them before any cluster is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mesh.deploy.problems import WrongOverlay

Manifest = dict[str, Any]

LOCAL = "local"
PLACEHOLDER = "registry.example.com"
DATABASE_SERVER = ("StatefulSet", "postgresql")
_MAKERS = ("Secret", "SealedSecret", "ExternalSecret", "Certificate")


@dataclass(frozen=True)
class Overlay:
    """A built overlay: its objects in kustomize's order, which puts first what others need."""

    folder: Path
    objects: Sequence[Manifest]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def namespace(self) -> str:
        """The one namespace its objects are in. Raises WrongOverlay."""
        names = {one["metadata"]["namespace"] for one in self.objects if "namespace" in one["metadata"]}
        if len(names) != 1:
            raise WrongOverlay(f"{self.folder} has objects in {len(names)} namespaces; it must be one")
        return str(*names)

    @property
    def has_database_server(self) -> bool:
        """Whether it brings a PostgreSQL server of its own, and so knows the passwords."""
        return DATABASE_SERVER in {(one["kind"], one["metadata"]["name"]) for one in self.objects}

    @property
    def wants_default_storage(self) -> bool:
        """Whether it claims a volume without naming the StorageClass that is to make it."""
        claims = [*self.kinds("PersistentVolumeClaim")]
        claims += [one for owner in self.kinds("StatefulSet") for one in owner["spec"].get("volumeClaimTemplates", ())]
        return any("storageClassName" not in one["spec"] for one in claims)

    def kinds(self, *wanted: str) -> list[Manifest]:
        """The objects of these kinds."""
        return [one for one in self.objects if one["kind"] in wanted]

    def images(self) -> list[str]:
        """Every image its pods run, once."""
        named = (str(container.get("image", "")) for pod in self._pods() for container in _containers(pod))
        return list(dict.fromkeys(named))

    def secret_keys(self) -> dict[str, set[str]]:
        """The Secrets its pods and its gateway cannot do without, and the keys that are named of each.

        Not those it brings itself, or has made by an operator in the cluster.
        """
        found: dict[str, set[str]] = {}
        asked = [pair for pod in self._pods() for pair in _secrets(pod)]
        servers = [server for one in self.kinds("Gateway") for server in one["spec"]["servers"]]
        asked += [
            (server["tls"]["credentialName"], "") for server in servers if "credentialName" in server.get("tls", {})
        ]
        for name, key in asked:
            found.setdefault(name, set()).update({key} if key else ())
        made = {name for one in self.kinds(*_MAKERS) for name in _made_by(one)}
        return {name: keys for name, keys in found.items() if name not in made}

    def _pods(self) -> Iterator[Manifest]:
        for one in self.kinds("Deployment", "StatefulSet", "Job"):
            yield one["spec"]["template"]["spec"]
        for one in self.kinds("CronJob"):
            yield one["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def find(wanted: str, checkout: Path) -> Path:
    """The folder of the overlay that somebody typed: a name below k8s/overlays, or a path. Raises WrongOverlay."""
    overlays = checkout / "k8s" / "overlays"
    for folder in (overlays / wanted, Path(wanted)):
        if (folder / "kustomization.yaml").exists():
            if folder.resolve() == (overlays / LOCAL).resolve():
                raise WrongOverlay(
                    "the overlay `local` is for pods that are processes of this machine: start it with `argosy up`"
                )
            return folder.resolve()
    names = sorted(path.name for path in overlays.iterdir() if path.name != LOCAL)
    raise WrongOverlay(f"there is no overlay {wanted}: there are {', '.join(names)}, or name a folder")


def read(folder: Path, built: str) -> Overlay:
    """The overlay that kustomize has built. Raises WrongOverlay when it still has placeholders."""
    objects = [one for one in yaml.load_all(built, yaml.CSafeLoader) if one]
    overlay = Overlay(folder, objects)
    unset = [image for image in overlay.images() if image.startswith(PLACEHOLDER)]
    if unset:
        name = unset[0].rpartition("/")[2].partition("@")[0].partition(":")[0]
        raise WrongOverlay(
            f"the image {unset[0]} is a placeholder; name your own by its digest:\n"
            f"cd {folder} && kustomize edit set image {name}=REGISTRY/{name}@sha256:DIGEST"
        )
    return overlay


def _made_by(one: Manifest) -> Iterator[str]:
    """The name of the Secret that this object is, or will be made into."""
    spec = one.get("spec") or {}
    yield spec.get("secretName") or (spec.get("target") or {}).get("name") or one["metadata"]["name"]


def _containers(pod: Manifest) -> Iterator[Manifest]:
    yield from pod.get("initContainers") or ()
    yield from pod["containers"]


def _secrets(pod: Manifest) -> Iterator[tuple[str, str]]:
    """Name and key of every Secret a pod spec asks for; the key is empty when it takes all."""
    for container in _containers(pod):
        for variable in container.get("env") or ():
            asked = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if asked and not asked.get("optional"):
                yield asked["name"], asked["key"]
        for source in container.get("envFrom") or ():
            if (asked := source.get("secretRef")) and not asked.get("optional"):
                yield asked["name"], ""
    for volume in pod.get("volumes") or ():
        if (asked := volume.get("secret")) and not asked.get("optional"):
            for item in asked.get("items") or ({"key": ""},):
                yield asked["secretName"], item["key"]
