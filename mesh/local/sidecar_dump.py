"""How does istioctl see a sidecar's configuration? Elsewhere through a tunnel into the pod; here its Envoy is asked.

`istioctl proxy-config TYPE POD` becomes `istioctl proxy-config TYPE --file -`, which reads what Envoy says of itself.
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterable, Sequence

from mesh.local.node.pod_record import PodRecord
from mesh.local.problems import LocalClusterError

_COMMANDS = {"proxy-config", "pc"}
_ENDPOINTS = {"endpoint", "endpoints", "ep"}
_POSITION = 2
_TIMEOUT = 5.0


class NoSidecar(LocalClusterError):
    """No pod of that name has a sidecar that answers."""


def dump_wanted(arguments: Sequence[str], records: Iterable[PodRecord]) -> tuple[list[str], str] | None:
    """The new arguments of istioctl and the address of the dump to read; None when it is not about a pod of ours."""
    if len(arguments) <= _POSITION or arguments[0] not in _COMMANDS:
        return None
    command, kind, pod, *rest = arguments
    for record in records:
        if pod in {record.name, f"{record.name}.{record.namespace}"}:
            path = "clusters?format=json" if kind in _ENDPOINTS else "config_dump?include_eds=true"
            return [command, kind, "--file=-", *rest], f"http://{record.pod_ip}:{record.admin_port}/{path}"
    return None


def feed_standard_input(address: str) -> None:
    """Make what `address` answers this process's standard input, for the program it becomes. Raises NoSidecar."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=_TIMEOUT) as response:
            said = response.read()
    except OSError as error:
        raise NoSidecar(f"the sidecar at {address} does not answer: {error}") from error
    file = os.memfd_create("sidecar-dump")
    os.write(file, said)
    os.lseek(file, 0, os.SEEK_SET)
    os.dup2(file, 0)
