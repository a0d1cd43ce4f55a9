"""What does a run see of the cluster before it moves?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """What came of a command gate."""

    passed: bool
    output: str


@dataclass(frozen=True)
class Health:
    """The pods of both versions."""

    ready: int
    """Pods of the canary that are Ready."""
    trouble: str = ""
    """What keeps one of them from running: `catalog-v2-5d: CrashLoopBackOff`."""
    images: Mapping[str, str] = field(default_factory=dict)
    """What each version runs."""


@dataclass(frozen=True)
class Sight:
    """The cluster at one moment."""

    at: float
    weights: Mapping[str, int]
    header: bool
    """Whether the route has the header rule to the canary."""
    health: Health
    guarded: bool | None
    """Whether a watchdog is on duty; None: not known yet."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Of the command gates that have ended, by name."""
