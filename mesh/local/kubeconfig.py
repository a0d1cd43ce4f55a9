"""How does a client reach the API? A kubeconfig that carries all it needs, so it may be copied anywhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from mesh.local.addresses import LOOPBACK
from mesh.local.pki import Credentials
from mesh.local.state_folder import write_private

CLUSTER = "argosy"


def kubeconfig(credentials: Credentials, user: str, port: int, namespace: str = "default") -> str:
    """The kubeconfig of `user` (a name in `credentials`) as JSON, which is YAML too."""
    cluster = {
        "server": f"https://{LOOPBACK}:{port}",
        "certificate-authority-data": _base64(credentials.ca),
    }
    identity = {
        "client-certificate-data": _base64(credentials.certificate(user)),
        "client-key-data": _base64(credentials.key(user)),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CLUSTER, "cluster": cluster}],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": CLUSTER, "context": {"cluster": CLUSTER, "user": user, "namespace": namespace}}],
        "current-context": CLUSTER,
    }
    return json.dumps(document, indent=1) + "\n"


def write_kubeconfig(path: Path, credentials: Credentials, user: str, port: int, namespace: str = "default") -> None:
    """Write it, readable by its owner only."""
    write_private(path, kubeconfig(credentials, user, port, namespace))


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
