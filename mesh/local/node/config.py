"""What does a node have to be told? One JSON file, written by `mesh.local`, read once at start."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, fields
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any


class InvalidConfig(Exception):
    """The configuration file cannot be used; `problems` holds every reason."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.path = path
        self.problems = problems
        super().__init__(f"{path}: " + "; ".join(problems))


@dataclass(frozen=True, kw_only=True)
class NodeConfig:
    """A node's settings. Paths are absolute; addresses are loopback."""

    name: str
    """The Node object's name; also the value of `spec.nodeName` of its pods."""
    kubeconfig: Path
    """Credentials that may read and write pods, and what the node makes for them."""
    state_dir: Path
    """Logs, volumes and pod records; what is below outlives the node (mode 0700)."""
    socket_dir: Path
    """Unix sockets of pods. Short: a socket's whole path must stay below 108 bytes."""
    programs_dir: Path
    """Holds `pilot-agent` and `envoy`."""
    checkout: Path
    """Working directory of every container that names none."""
    python_bin_dir: Path
    """First on every container's PATH, so `python` is the checkout's."""
    log_address: str
    """host:port of the log endpoint; the host becomes the node's InternalIP."""
    log_certificate: Path
    log_key: Path
    log_client_ca: Path
    """Who signs the certificate the API server shows to the log endpoint."""
    log_client_name: str = "kube-apiserver-kubelet-client"
    """The only common name the log endpoint answers."""
    discovery_address: str = "127.0.0.1:15012"
    """Where istiod speaks xDS over TLS."""
    pod_cidr: str = "127.10.0.0/16"
    egress_cidr: str = "127.11.0.0/16"
    cluster_domain: str = "cluster.local"
    sidecar_log_level: str = "warning"
    """Envoy's log level."""


def load(path: Path) -> NodeConfig:
    """The settings in `path`; raises InvalidConfig with every problem at once."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidConfig(path, [str(error)]) from error
    if not isinstance(given, dict):
        raise InvalidConfig(path, ["not a JSON object"])
    problems = _problems(given)
    if problems:
        raise InvalidConfig(path, problems)
    paths = {field.name for field in fields(NodeConfig) if field.type == "Path"}
    typed: dict[str, Any] = {key: Path(value) if key in paths else value for key, value in given.items()}
    return NodeConfig(**typed)


def dump(config: NodeConfig) -> str:
    """The JSON that `load` reads back as an equal value."""
    return json.dumps(asdict(config), default=str, indent=2) + "\n"


def _problems(given: dict[str, Any]) -> list[str]:
    known = {field.name: field for field in fields(NodeConfig)}
    required = {name for name, field in known.items() if field.default is MISSING}
    problems = [f"{name} is missing" for name in sorted(required - set(given))]
    problems += [f"{name} is unknown" for name in sorted(set(given) - set(known))]
    for name, value in given.items():
        if name not in known:
            continue
        if not isinstance(value, str) or not value:
            problems.append(f"{name} is not a text")
        elif known[name].type == "Path" and not Path(value).is_absolute():
            problems.append(f"{name} is not an absolute path: {value}")
        elif name.endswith("_cidr"):
            problems += _network_problems(name, value)
        elif name in {"log_address", "discovery_address"} and not value.rpartition(":")[2].isdigit():
            problems.append(f"{name} is not host:port: {value}")
    return problems


def _network_problems(name: str, value: str) -> list[str]:
    try:
        network = IPv4Network(value)
    except ValueError as error:
        return [f"{name}: {error}"]
    return [] if network.is_loopback else [f"{name} is not a loopback network: {value}"]
