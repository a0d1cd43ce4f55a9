"""Where do statistics come from? A reading of every caller's sidecar, whoever delivers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mesh.canary.measure.counters import Counters


@dataclass(frozen=True)
class Caller:
    """One life of one caller's sidecar: one that was started again counts from zero and is another caller."""

    pod: str
    life: str
    """Tells its lives apart: the pod's uid and how often its sidecar was started again."""
    began: float
    """When this life began, unix time; 0 when nobody knows."""


@dataclass(frozen=True)
class Reading:
    """What the callers' sidecars had counted at one moment."""

    at: float
    pods: Mapping[Caller, Mapping[str, Counters]]
    """By version (the subset's name). A sidecar that has never called a version does not name it."""
    missing: tuple[str, ...]
    """The pods that did not answer, each with the reason: `orders-7d: no answer within 2 s`."""
    raw_sha256: str
    raw: bytes = b""
    """What was brought, for the disk; it is not kept in the cluster."""


class Source(Protocol):
    """Who delivers readings: the sidecars themselves, or a Prometheus server that scrapes them."""

    least_seconds: float
    """Between two readings, so that the second one has news: a Prometheus server knows only what it has scraped."""

    async def read(self) -> Reading:
        """What the sidecars have counted until now; who does not answer is missing, never an exception."""
