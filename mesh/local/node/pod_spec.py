"""What is to be run for a container: which program, with which arguments, in which environment?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lightkube.models.core_v1 import Container, EnvFromSource, EnvVar, EnvVarSource
from lightkube.resources.core_v1 import Pod

from mesh.local.node import downward
from mesh.local.node.addresses import PodAddresses
from mesh.local.node.references import References
from mesh.local.node.variables import expand


class NotRunnable(Exception):
    """A container that this node cannot start, however often it tries."""


@dataclass(frozen=True)
class Offer:
    """What the node gives every container of one pod, because processes share one network and one file system."""

    addresses: PodAddresses
    host_address: str
    working_directory: Path
    image_environment: Mapping[str, str]
    """What an image would have set: PATH and the like. A pod may override it."""
    sockets: Mapping[str, Path] = field(default_factory=dict)
    """By port name: where the application listens for its proxy. The first is the default."""
    volumes: Mapping[str, Path] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        """The ARGOSY_ variables."""
        offered = {"ARGOSY_POD_IP": self.addresses.pod, "ARGOSY_EGRESS_IP": self.addresses.egress}
        if self.sockets:
            offered["ARGOSY_SOCKET"] = str(next(iter(self.sockets.values())))
        offered |= {f"ARGOSY_SOCKET_{_upper(name)}": str(path) for name, path in self.sockets.items()}
        offered |= {f"ARGOSY_VOLUME_{_upper(name)}": str(path) for name, path in self.volumes.items()}
        return offered


@dataclass(frozen=True)
class Command:
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    working_directory: Path


def command_of(container: Container, pod: Pod, offer: Offer, references: References) -> Command:
    """What to run for `container`.

    Raises NotRunnable (no command), MissingReference (may appear later) and UnsupportedField.
    """
    environment = environment_of(container, pod, offer, references)
    words = [*(container.command or []), *(container.args or [])]
    if not container.command:
        raise NotRunnable(f"container {container.name} has no command, and the local node runs no images")
    return Command(
        argv=tuple(expand(word, environment) for word in words),
        environment=environment,
        working_directory=Path(container.workingDir) if container.workingDir else offer.working_directory,
    )


def environment_of(container: Container, pod: Pod, offer: Offer, references: References) -> dict[str, str]:
    """The container's whole environment; later entries win, as in Kubernetes."""
    environment = dict(offer.image_environment) | offer.variables()
    for source in container.envFrom or []:
        environment.update(_every_key(source, references))
    for variable in container.env or []:
        value = _value(variable, environment, pod, offer, references)
        if value is not None:
            environment[variable.name] = value
    return environment


def _every_key(source: EnvFromSource, references: References) -> Iterator[tuple[str, str]]:
    prefix = source.prefix or ""
    for kind, named in (("ConfigMap", source.configMapRef), ("Secret", source.secretRef)):
        if named and named.name:
            contents = references.contents(kind, named.name, optional=bool(named.optional))
            yield from ((prefix + key, value.decode()) for key, value in contents.items())


def _value(variable: EnvVar, known: Mapping[str, str], pod: Pod, offer: Offer, references: References) -> str | None:
    if variable.valueFrom is None:
        return expand(variable.value or "", known)
    source = variable.valueFrom
    if source.fieldRef:
        return downward.field(source.fieldRef, pod, offer.addresses, offer.host_address)
    if source.resourceFieldRef:
        raise downward.UnsupportedField("resourceFieldRef: the local node sets no limits")
    return _referenced(source, references)


def _referenced(source: EnvVarSource, references: References) -> str | None:
    for kind, selector in (("ConfigMap", source.configMapKeyRef), ("Secret", source.secretKeyRef)):
        if selector and selector.name:
            value = references.value(kind, selector.name, selector.key, optional=bool(selector.optional))
            return None if value is None else value.decode()
    return None


def _upper(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")
