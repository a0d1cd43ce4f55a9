"""What became of an experiment? PASS, FAIL, INVALID, ABORTED or LEAKED, with everything that says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mesh.chaos import problems
from mesh.chaos.experiment import Limit, Phase


class Outcome(StrEnum):
    """How a run ends; of several the worst decides the exit code. From good to bad."""

    PASS = "PASS"  # noqa: S105  # no password
    FAIL = "FAIL"
    INVALID = "INVALID"
    ABORTED = "ABORTED"
    LEAKED = "LEAKED"

    @property
    def exit_code(self) -> int:
        """What a shell is told."""
        return int(getattr(problems, self.name))


@dataclass(frozen=True)
class Checked:
    """One line of the hypothesis, or of the steady state, and what was found."""

    limit: Limit
    value: float | None  # None with samples: it never happened; without: there was nothing to measure
    samples: int
    holds: bool
    interval: tuple[float, float] | None = None  # 95 %, of a share


@dataclass(frozen=True)
class Figures:
    """What customers of one stream met in one phase. Latencies are milliseconds; None when there were no calls."""

    calls: int
    failed: int
    degraded: int
    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class Verdict:
    """One run's outcome. Seconds and shares; what is not known is None."""

    experiment: str
    control: bool  # the run without the protection
    outcome: Outcome
    reason: str
    run: str = ""
    protection: str = "both"  # off, app only, mesh only or both, in a comparison
    checks: tuple[Checked, ...] = ()
    steady: tuple[Checked, ...] = ()
    injected: str = ""  # what proved it
    removed: str = ""
    detected: float | None = None  # until a breaker opened, a host was ejected, a pod was NotReady
    recovered: float | None = None  # from the removal until the last failed call was due
    amplification: float | None = None  # tries at the sick services for each call, against the steady state
    budget_used: float | None = None  # of a month's error budget at the objectives' availability of an order
    breakers: tuple[str, ...] = ()  # how breakers changed, in words, in order
    blast_radius: tuple[str, ...] = ()  # other services whose errors or latency moved, in words
    figures: Mapping[str, Mapping[Phase, Figures]] = field(default_factory=dict)  # by stream
    leftovers: tuple[str, ...] = ()
    audit: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The verdict as verdict.json has it; `parse` reads it back."""
        return dict(_VERDICT.dump_python(self, mode="json", exclude_none=False))

    @classmethod
    def parse(cls, document: str | bytes) -> Verdict:
        """The verdict that was written. Raises BadVerdict when it is none."""
        try:
            return _VERDICT.validate_json(document)
        except ValidationError as error:
            raise BadVerdict(f"this is no verdict: {error}") from error


class BadVerdict(problems.ChaosError):
    """A file that is no verdict."""


_VERDICT = TypeAdapter(Verdict)
