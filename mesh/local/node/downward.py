"""What may a pod know about itself? The fields of the downward API."""

from __future__ import annotations

import re

from lightkube.models.core_v1 import ObjectFieldSelector
from lightkube.resources.core_v1 import Pod

from mesh.local.node.addresses import PodAddresses

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class UnsupportedField(Exception):
    """A fieldRef that this node cannot answer."""


def field(selector: ObjectFieldSelector, pod: Pod, addresses: PodAddresses, host_address: str) -> str:
    """The text a fieldRef stands for. Raises UnsupportedField."""
    metadata, spec = pod.metadata, pod.spec
    if metadata is None or spec is None:
        raise UnsupportedField("the pod has no metadata")
    maps = {"labels": metadata.labels or {}, "annotations": metadata.annotations or {}}
    if match := _SUBSCRIPT.fullmatch(selector.fieldPath):
        value: str = maps[match.group(1)].get(match.group(2), "")
        return value
    known: dict[str, str | None] = {
        "metadata.name": metadata.name,
        "metadata.namespace": metadata.namespace,
        "metadata.uid": metadata.uid,
        "metadata.labels": as_lines(maps["labels"]),
        "metadata.annotations": as_lines(maps["annotations"]),
        "spec.nodeName": spec.nodeName,
        "spec.serviceAccountName": spec.serviceAccountName,
        "status.podIP": addresses.pod,
        "status.podIPs": addresses.pod,
        "status.hostIP": host_address,
        "status.hostIPs": host_address,
    }
    if selector.fieldPath not in known:
        raise UnsupportedField(f"unsupported fieldPath: {selector.fieldPath}")
    return known[selector.fieldPath] or ""


def as_lines(entries: dict[str, str]) -> str:
    """Labels or annotations in the downward API's form: `key="value"`, one a line, sorted."""
    return "\n".join(f'{key}="{_escaped(value)}"' for key, value in sorted(entries.items()))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
