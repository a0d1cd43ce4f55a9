"""What is an experiment? A file of the Chaos Toolkit's format, a strict subset, with our own fields under `extensions`.

https://chaostoolkit.org/reference/api/experiment/ says what the format means; mesh.chaos.toolkit has the functions that
the files name, so that `chaos run` can run them, too. What the Toolkit does not ask, an experiment here has to say: the
load, the hypothesis in numbers, and the protection without which it fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

LONGEST = 60.0
"""Seconds from the steady state to the end; more would be no experiment but an outage."""

Stream = Literal["orders", "browsing", "pages"]
_OF_A_STREAM = "calls|answered_share|failed|failed_share|degraded_share|p50_ms|p99_ms|p99_ratio"
_OF_SERVERS = "tries|errors|error_share|late_share|rejected|p99_ms|p99_ratio"
METRIC = (
    rf"({'|'.join(get_args(Stream))})\.({_OF_A_STREAM})"
    rf"|served\.[a-z]+\.({_OF_SERVERS})"
    r"|recovery_seconds|detect_seconds|eject_seconds|amplification"
)
"""The names of all metrics; mesh.chaos.metrics says what each is."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class Phase(StrEnum):
    """The parts of a run."""

    STEADY = "steady"
    FAULT = "fault"  # from when it is injected until it is removed
    AFTER = "after"  # from then on
    ALL = "all"  # both: from when it is injected until the end


class Change(_Strict):
    """A fault by its kind, and its arguments."""

    fault: str
    arguments: Mapping[str, Any] = Field(default_factory=dict)


class Limit(_Strict):
    """One line of a hypothesis: a metric of mesh.chaos.metrics, between two bounds, in one phase."""

    metric: str
    phase: Phase = Phase.ALL
    at_least: float | None = None
    at_most: float | None = None

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        if not re.fullmatch(METRIC, metric):
            raise ValueError(f"there is no metric {metric}; mesh/chaos/metrics.py says which there are")
        return metric

    @model_validator(mode="after")
    def _can_be_missed(self) -> Limit:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a limit has at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"nothing is at least {self.at_least:g} and at most {self.at_most:g}")
        return self

    def met(self, value: float) -> bool:
        """Whether the value is within the bounds."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        """`orders.failed_share at most 0.02 (fault)`."""
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
        return f"{self.metric} {wanted} ({self.phase})"


class Load(_Strict):
    """Calls per second through the gateway, an open loop each; a stream with 0 is not made."""

    orders: float = Field(default=8.0, ge=0)  # PlaceOrder
    browsing: float = Field(default=16.0, ge=0)  # catalog's reads
    pages: float = Field(default=2.0, ge=0)  # the home page, over HTTP
    patience: float = Field(default=2.5, gt=0)  # seconds a customer waits for an order

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Those that are made."""
        return tuple(stream for stream in get_args(Stream) if getattr(self, stream))


class Control(_Strict):
    """The same run without the protection; it has to FAIL, or the experiment proves nothing."""

    without: str  # which protection is gone, for people
    changes: Annotated[tuple[Change, ...], Field(min_length=1)]


class FailureMode(_Strict):
    """A row of docs/failure-modes.md; its numbers come from verdicts."""

    dependency: str
    failure: str
    seen: str  # by customers
    fallback: str
    recovery: str


class Details(_Strict):
    """What an experiment says beyond the Toolkit's format."""

    name: Literal["argosy"]
    targets: tuple[str, ...] = ()  # services nobody may run a canary or another experiment of meanwhile
    load: Load = Load()
    steady_seconds: float = Field(default=5.0, ge=2)
    seconds: float = Field(default=10.0, gt=0)
    """From injection to removal; of what happens and is over: until one looks for the end."""
    recovery_seconds: float = Field(default=20.0, ge=2)  # at most, until two seconds go well
    prepare: tuple[Change, ...] = ()
    hypothesis: Annotated[tuple[Limit, ...], Field(min_length=1)]
    control: Control
    failure_mode: FailureMode
    fast: bool = False  # of the subset that `make test` runs

    @model_validator(mode="after")
    def _ends_and_can_be_measured(self) -> Details:
        longest = self.steady_seconds + self.seconds + self.recovery_seconds
        if longest > LONGEST:
            raise ValueError(f"it may take {longest:g} s, and no experiment takes more than {LONGEST:g}")
        made = self.load.streams
        for number, limit in enumerate(self.hypothesis):
            stream = limit.metric.partition(".")[0]
            if stream in get_args(Stream) and stream not in made:
                raise ValueError(f"hypothesis[{number}] is about {stream}, and the load has none")
        return self


class _Ours(_Strict):
    """A function of ours that the Toolkit can call."""

    type: Literal["python"]
    module: Literal["mesh.chaos.toolkit"]


class Inject(_Ours):
    """Do it."""

    func: Literal["inject"]
    arguments: Change


class Remove(_Ours):
    """Undo it."""

    func: Literal["remove"]
    arguments: Change


class Watched(_Strict):
    """The calls of one stream, for some seconds."""

    stream: Stream
    seconds: float = Field(default=3.0, gt=0)


class Answered(_Ours):
    """The share of them that is answered, or refused as deserved."""

    func: Literal["answered"]
    arguments: Watched


class Injection(_Strict):
    """A step of the method."""

    type: Literal["action"]
    name: str
    provider: Inject


class Removal(_Strict):
    """A step of the rollbacks."""

    type: Literal["action"]
    name: str
    provider: Remove


class Probe(_Strict):
    """A look at the steady state, with the range that is tolerated."""

    type: Literal["probe"]
    name: str
    tolerance: tuple[float, float]
    provider: Answered

    @property
    def limit(self) -> Limit:
        """What it asks for, as a line of a hypothesis."""
        low, high = self.tolerance
        stream = self.provider.arguments.stream
        return Limit(metric=f"{stream}.answered_share", phase=Phase.STEADY, at_least=low, at_most=high)

    @field_validator("tolerance")
    @classmethod
    def _can_be_met(cls, tolerance: tuple[float, float]) -> tuple[float, float]:
        low, high = tolerance
        if low > high:
            raise ValueError(f"nothing is at least {low:g} and at most {high:g}")
        return tolerance


class SteadyState(_Strict):
    """What holds before and after."""

    title: str
    probes: Annotated[tuple[Probe, ...], Field(min_length=1)]


class Experiment(_Strict):
    """One file. `name` is the file's, without its ending."""

    name: str = Field(exclude=True)
    title: str
    description: str
    tags: tuple[str, ...] = ()
    steady_state: SteadyState = Field(alias="steady-state-hypothesis")
    method: Annotated[tuple[Injection, ...], Field(min_length=1)]
    rollbacks: Annotated[tuple[Removal, ...], Field(min_length=1)]
    extensions: tuple[Details]

    @model_validator(mode="after")
    def _undoes_what_it_does(self) -> Experiment:
        undone = [action.provider.arguments for action in self.rollbacks]
        if undone != [*reversed(self.faults)]:
            raise ValueError("the rollbacks have to remove what the method injects, the last one first")
        for probe in self.steady_state.probes:
            if (stream := probe.provider.arguments.stream) not in self.details.load.streams:
                raise ValueError(f"the steady state is about {stream}, and the load has none")
        return self

    @property
    def details(self) -> Details:
        """Our own fields."""
        return self.extensions[0]

    @property
    def faults(self) -> tuple[Change, ...]:
        """What the method injects, in order."""
        return tuple(action.provider.arguments for action in self.method)
