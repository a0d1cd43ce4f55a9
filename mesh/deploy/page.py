"""What is said of a shop that has been deployed? Its pods, the ways in, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lightkube.resources.core_v1 import Service
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mesh.chosen_cluster import NAMESPACE
from mesh.gateway import PORT, SERVICE, VARIABLE
from mesh.local.picture import Picture
from mesh.local.report import as_json, as_tables

_FOR_CUSTOMERS = {"grpc", "https"}  # the names of its ports


def tables(picture: Picture, gateway: Service, context: str) -> RenderableType:
    """The pods; then how customers and operators go on. `context` is what was typed, empty for the current one."""
    option = f" --context {context}" if context else ""
    steps = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    steps.add_row("shop", f"kubectl{option} -n {NAMESPACE} port-forward service/{SERVICE} {PORT}")
    for way in ways_in(gateway):
        steps.add_row("", f"export {VARIABLE}={way}")
    steps.add_row("next", f"argosy status{option}, argosy demo{option}, argosy audit{option}, argosy undeploy{option}")
    return Group(as_tables(picture, with_parts=False), Text(), steps)


def document(picture: Picture, gateway: Service, changed: Sequence[str], seconds: float) -> dict[str, Any]:
    """The same for programs: with the document of `argosy status --json`, and what was changed."""
    return {
        "changed": list(changed),
        "seconds": round(seconds, 1),
        "ways_in": ways_in(gateway),
        **as_json(picture),
    }


def ways_in(gateway: Service) -> list[str]:
    """Where the gateway can be called without a tunnel, as host:port; a node's address is for the reader to fill in."""
    spec, status = gateway.spec, gateway.status
    balancer = (status.loadBalancer.ingress if status and status.loadBalancer else None) or []
    ports = [port for port in (spec.ports if spec else None) or [] if port.name in _FOR_CUSTOMERS]
    found = [f"{one.ip or one.hostname}:{port.port}" for one in balancer for port in ports]
    return found + [f"NODE:{port.nodePort}" for port in ports if port.nodePort]
