"""Pods and settings to test with, in as few words as a test needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from lightkube.resources.core_v1 import Pod

from mesh.local.node.addresses import PodAddresses
from mesh.local.node.config import NodeConfig

ADDRESSES = PodAddresses(pod="127.10.0.7", egress="127.11.0.7")
Json = dict[str, Any]


def pod_of(*containers: Json, metadata: Json | None = None, **spec: Any) -> Pod:
    """A pod named catalog-v1-abc in namespace shop."""
    about = {"name": "catalog-v1-abc", "namespace": "shop", "uid": "1f9dda03-c947-4570-94fa-e3be3fb85f4b"}
    given = {"containers": list(containers) or [container()], "serviceAccountName": "catalog", **spec}
    return msgspec.convert({"metadata": about | (metadata or {}), "spec": given}, Pod)


def container(**fields: Any) -> Json:
    return {"name": "catalog", "image": "argosy:dev", "command": ["true"], **fields}


def config_in(folder: Path, **changes: Any) -> NodeConfig:
    """Settings of a node whose files are in `folder`."""
    settings: Json = {
        "name": "local",
        "kubeconfig": folder / "kubeconfig",
        "state_dir": folder / "state",
        "socket_dir": folder / "s",
        "programs_dir": folder / "bin",
        "checkout": folder,
        "python_bin_dir": folder,
        "log_address": "127.0.0.1:0",
        "log_certificate": folder / "node.crt",
        "log_key": folder / "node.key",
        "log_client_ca": folder / "ca.crt",
    }
    return NodeConfig(**(settings | changes))
