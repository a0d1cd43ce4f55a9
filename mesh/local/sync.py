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
    """What the sidecar refuses, in its words, or which kinds of configuration are under way; empty when synced."""
    refuses: bool = False


NOT_CONNECTED = Sync(synced=False, detail="not connected to istiod")


def sync_of(entry: Mapping[str, Any]) -> Sync:
    """Whether one entry of istiod's /debug/syncz says that everything sent was acknowledged.

    A refusal stands there until the sidecar has taken anything newer of the same kind, be it what was refused or not.
    """
    waiting = []
    for kind, name in _TYPES.items():
        sent, acknowledged = entry.get(f"{name}_sent", ""), entry.get(f"{name}_acked", "")
        if (sent or kind in _ALWAYS_SENT) and (not sent or sent != acknowledged):
            waiting.append(f"{kind} not acknowledged" if sent else f"{kind} not sent")
    resources = (entry.get("resources") or {}).items()
    refused = [f"refuses {_short(url)}: {of['lastError']}" for url, of in resources if of.get("lastError")]
    problems = refused or waiting  # what is refused is not acknowledged either
    return Sync(synced=not problems, detail=", ".join(problems), refuses=bool(refused))


def _short(type_url: str) -> str:
    return type_url.rpartition(".")[2]
