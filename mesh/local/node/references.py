"""Which ConfigMaps and Secrets does a pod need, and what is in them?"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

from lightkube.core.async_client import AsyncClient
from lightkube.models.core_v1 import Container, PodSpec, Volume, VolumeProjection
from lightkube.resources.core_v1 import ConfigMap, Secret

from mesh.local.absence import absence_is_fine


class MissingReference(Exception):
    """A pod names something that does not exist. The words are the kubelet's."""

    def __init__(self, kind: str, name: str, key: str | None = None, namespace: str = "") -> None:
        self.kind, self.name, self.key = kind, name, key
        self.namespace = namespace
        what = f"{kind.lower()} {name!r} not found".replace("'", '"')
        super().__init__(f"couldn't find key {key} in {kind} {namespace}/{name}" if key else what)


@dataclass(frozen=True)
class Reference:
    kind: str
    """ConfigMap or Secret."""
    name: str


@dataclass
class References:
    """The contents of what a pod names, all as bytes."""

    namespace: str
    found: dict[Reference, dict[str, bytes]] = field(default_factory=dict)

    def contents(self, kind: str, name: str, *, optional: bool) -> dict[str, bytes]:
        """Everything in one object; empty when it is missing but optional. Raises MissingReference."""
        contents = self.found.get(Reference(kind, name))
        if contents is None and not optional:
            raise MissingReference(kind, name, namespace=self.namespace)
        return contents or {}

    def value(self, kind: str, name: str, key: str, *, optional: bool) -> bytes | None:
        """One key's value; None when it is missing but optional. Raises MissingReference."""
        value = self.contents(kind, name, optional=optional).get(key)
        if value is None and not optional:
            raise MissingReference(kind, name, key, self.namespace)
        return value


def named_by(spec: PodSpec) -> set[Reference]:
    """Every ConfigMap and Secret that the pod names, needed or optional."""
    found: set[Reference] = set()
    for container in [*(spec.initContainers or []), *spec.containers]:
        found.update(_named_by_container(container))
    for volume in spec.volumes or []:
        found.update(_named_by_volume(volume))
    return found


async def fetch(client: AsyncClient, namespace: str, wanted: set[Reference]) -> References:
    """What exists of `wanted`. Raises lightkube's ApiError for anything but "not found"."""
    references = References(namespace)
    for reference in wanted:
        with absence_is_fine():
            references.found[reference] = await _contents(client, namespace, reference)
    return references


async def _contents(client: AsyncClient, namespace: str, reference: Reference) -> dict[str, bytes]:
    if reference.kind == "Secret":
        secret = await client.get(Secret, reference.name, namespace=namespace)
        return {key: base64.b64decode(value) for key, value in (secret.data or {}).items()}
    config = await client.get(ConfigMap, reference.name, namespace=namespace)
    binary = {key: base64.b64decode(value) for key, value in (config.binaryData or {}).items()}
    return {key: value.encode() for key, value in (config.data or {}).items()} | binary


def _named_by_container(container: Container) -> Iterator[Reference]:
    for variable in container.env or []:
        source = variable.valueFrom
        if source and source.configMapKeyRef and source.configMapKeyRef.name:
            yield Reference("ConfigMap", source.configMapKeyRef.name)
        if source and source.secretKeyRef and source.secretKeyRef.name:
            yield Reference("Secret", source.secretKeyRef.name)
    for every in container.envFrom or []:
        if every.configMapRef and every.configMapRef.name:
            yield Reference("ConfigMap", every.configMapRef.name)
        if every.secretRef and every.secretRef.name:
            yield Reference("Secret", every.secretRef.name)


def _named_by_volume(volume: Volume) -> Iterator[Reference]:
    if volume.configMap and volume.configMap.name:
        yield Reference("ConfigMap", volume.configMap.name)
    if volume.secret and volume.secret.secretName:
        yield Reference("Secret", volume.secret.secretName)
    for source in (volume.projected.sources if volume.projected else None) or []:
        yield from _named_by_projection(source)


def _named_by_projection(source: VolumeProjection) -> Iterator[Reference]:
    if source.configMap and source.configMap.name:
        yield Reference("ConfigMap", source.configMap.name)
    if source.secret and source.secret.name:
        yield Reference("Secret", source.secret.name)
