"""What was seen of one run? The calls by stream, what happened when, and what servers counted. Data, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from loadtest.report import Report


class Happened(StrEnum):
    """Kinds of events on a run's timeline."""

    PHASE = "phase"  # the runner's own steps, in words
    INJECTED = "injected"
    PROVEN = "proven"
    REMOVED = "removed"
    GONE = "gone"  # the removal, proven
    BREAKER = "breaker"  # subject pod caller/callee/group; facts: state
    EJECTION = "ejection"  # subject: the caller's pod and the cluster; facts: ejected (how many hosts)
    POD = "pod"  # subject pod; facts: ready, restarts, or gone
    CANARY = "canary"


@dataclass(frozen=True)
class Event:
    """Something that happened; `at` in seconds of the runner's monotonic clock, as the samples have it."""

    at: float
    kind: Happened
    subject: str
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """When what began, on the same clock. `removed`: when the removal began; of what just happens, when it had."""

    steady: float
    injected: float
    removed: float
    ended: float
    unix: float
    """What the wall clock said at `steady`."""


@dataclass(frozen=True)
class Served:
    """What the servers of one service counted in one phase: tries that reached them, and how they ended, by status."""

    started: float
    statuses: Mapping[str, float]
    rejected: float = 0.0  # by its callers' open circuits and bulkheads, kept off the wire
    p99: float = 0.0  # seconds
    called: float = 0.0  # by its callers in the shop, each call once however often it was tried


@dataclass(frozen=True)
class Observed:
    """Everything a verdict is made from, but the proofs and the audit."""

    window: Window
    streams: Mapping[str, Report]  # orders, browsing, pages
    events: tuple[Event, ...]
    served: Mapping[str, Mapping[str, Served]]  # by phase (steady, fault, after), then service
    unreached: tuple[str, ...] = ()  # pods whose counters could not be read, and why
