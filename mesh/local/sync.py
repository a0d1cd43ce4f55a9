"""Has a sidecar what istiod sent? Read from one entry of istiod's /debug/syncz. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CLUSTERS, LISTENERS, ROUTES, ENDPOINTS = "CDS", "LDS", "RDS", "EDS"
_TYPES = {CLUSTERS: "cluster", LISTENERS: "listener", ROUTES: "route", ENDPOINTS: "endpoint"}
# Routes and endpoints exist only where a listener or a cluster asks for them.
_ALWAYS_SENT = (CLUSTERS, LISTENERS)


@dataclass(frozen=True)
class Sync:
    """What istiod knows of one sidecar."""

    synced: bool
    detail: str
    """Which kinds of configuration are still under way or refused; empty when synced."""


NOT_CONNECTED = Sync(synced=False, detail="not connected to istiod")


def sync_of(entry: Mapping[str, Any]) -> Sync:
    """Whether one entry of istiod's /debug/syncz says that everything sent was acknowledged."""
    waiting = []
    for kind, name in _TYPES.items():
        sent, acknowledged = entry.get(f"{name}_sent", ""), entry.get(f"{name}_acked", "")
        if (sent or kind in _ALWAYS_SENT) and (not sent or sent != acknowledged):
            waiting.append(f"{kind} not acknowledged" if sent else f"{kind} not sent")
    resources = (entry.get("resources") or {}).values()
    refused = [resource["lastError"] for resource in resources if resource.get("lastError")]
    problems = waiting + [f"refused: {error}" for error in refused]
    return Sync(synced=not problems, detail=", ".join(problems))
