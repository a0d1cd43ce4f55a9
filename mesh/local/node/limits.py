"""What does a pod ask for that a node of processes cannot give? Said once per pod, in one Event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lightkube.models.core_v1 import Container, PodSecurityContext, PodSpec, Volume

_OWN_IMAGES = frozenset({"argosy", "auto", "istio-proxy"})
_OFFERED_VOLUMES = ("emptyDir", "configMap", "secret", "projected", "downwardAPI", "persistentVolumeClaim")
_TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path; every pod has it
_FIELDS = (
    "activeDeadlineSeconds",
    "affinity",
    "dnsConfig",
    "hostAliases",
    "hostNetwork",
    "nodeSelector",
)


@dataclass(frozen=True)
class LeftOut:
    sentence: str
    serious: bool
    """Whether the pod may do something else than on a cluster, instead of doing the same with less around it."""


def left_out(spec: PodSpec) -> LeftOut | None:
    """Everything the node leaves out of `spec`, in one sentence; None when nothing is."""
    containers = [*(spec.initContainers or []), *spec.containers]
    fields = (name for name in _FIELDS if getattr(spec, name))
    serious = [*_images(containers), *_volumes(spec.volumes or []), *fields, *_placement(spec)]
    named = [*serious, *_isolation(spec, containers)]
    if not named:
        return None
    sentence = f"the local node runs pods as processes and leaves out: {', '.join(named)}"
    return LeftOut(sentence, serious=bool(serious))


def offered(volume: Volume) -> bool:
    """Whether the node makes a folder for `volume`."""
    return any(getattr(volume, kind) is not None for kind in _OFFERED_VOLUMES)


def _images(containers: list[Container]) -> Iterator[str]:
    for image in dict.fromkeys(container.image or "" for container in containers):
        name = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
        if name not in _OWN_IMAGES:
            yield f"image {image} (the command runs in the checkout)"


def _volumes(volumes: list[Volume]) -> Iterator[str]:
    for volume in volumes:
        if not offered(volume):
            yield f"volume {volume.name} (its type)"


def _placement(spec: PodSpec) -> Iterator[str]:
    """Wishes are granted: on one node pods are spread as evenly as can be. A condition is not looked at."""
    if any(each.whenUnsatisfiable != "ScheduleAnyway" for each in spec.topologySpreadConstraints or []):
        yield "topologySpreadConstraints"


def _isolation(spec: PodSpec, containers: list[Container]) -> Iterator[str]:
    if any(container.resources and container.resources.limits for container in containers):
        yield "resource limits"
    constrained = spec.securityContext not in (None, PodSecurityContext())
    if constrained or any(container.securityContext for container in containers):
        yield "securityContext"
    if any(mount.mountPath != _TOKEN_MOUNT for container in containers for mount in container.volumeMounts or []):
        yield "mount paths ($ARGOSY_VOLUME_<NAME> has each volume's folder)"
