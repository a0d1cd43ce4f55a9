"""How is a canary to be released? Its steps, what is asked before each, and what counts as worse.

An operator writes it as YAML (docs/canary.md); every field has a default that suits a service with 20 to 200
requests a second. All times are seconds, all shares are between 0 and 1, all weights are percent.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from mesh.canary.problems import Refused
from mesh.yaml_lines import Unreadable, loaded, shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MOST_WEIGHT = 90  # above it there is hardly a baseline left to compare with

Share: TypeAlias = Annotated[float, Field(gt=0, lt=1)]

_SHAPES = {"model_type": "a mapping", "tuple_type": "a list"}


class PlanInvalid(Refused):
    """The plan cannot be followed; the message has a line for each problem."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Gate(_Part):
    """Somebody or something that must agree before the next step: `manual`, or `cmd:./smoke.sh`."""

    kind: Literal["manual", "cmd"]
    command: str = ""
    timeout: float = Field(default=300.0, gt=0)

    @model_validator(mode="after")
    def _has_a_command(self) -> Gate:
        if (self.kind == "cmd") != bool(self.command.strip()):
            raise ValueError("a gate is `manual`, or `cmd:` and the command")
        return self


def gate(written: Any) -> Any:
    """What "manual" and "cmd:./smoke.sh" mean; a mapping is left as it is."""
    if not isinstance(written, str):
        return written
    kind, _, command = written.partition(":")
    return {"kind": kind, "command": command}


def _step(written: Any) -> Any:
    """A bare number is a step of that weight."""
    return {"weight": written} if isinstance(written, int | float) and written is not True else written


class Step(_Part):
    """One weight, and what must hold before it is left for the next."""

    weight: int = Field(ge=1, le=MOST_WEIGHT)
    at_least: float = Field(default=10.0, ge=0)  # judged for so long, however good it looks
    max_wait: float = Field(default=900.0, gt=0)  # then it is paused: not enough evidence is never promotion
    gates: tuple[Annotated[Gate, BeforeValidator(gate)], ...] = ()
    promotes: bool = False  # said by the plan: whether this is its last step


class KillSwitch(_Part):
    """A disaster, for which no test is waited for."""

    errors: int = Field(default=20, ge=1)  # of the canary in the run, or more
    times: float = Field(default=5.0, gt=1)  # as many as the baseline's ratio lets expect, or more


class Rules(_Part):
    """What counts as worse, what as equal, and how sure one must be."""

    alpha: Share = 0.01  # chance that an identical version is called worse, however often one looks
    beta: Share = 0.01  # chance that an excess above the tolerated one is called equal
    minimum_samples: int = Field(default=50, ge=1)  # requests of each version in a step, and latencies
    exposure: Share = 0.0125  # of all requests, that may be bad because of the canary while it is tried
    excess_errors: Share = 0.0025  # of its requests, that may fail more than the baseline's when it is promoted
    excess_refused: Share = 0.01  # be refused (NOT_FOUND, RESOURCE_EXHAUSTED, ...) more than the baseline's
    excess_slow: Share = 0.01  # and be slow more than the baseline's
    slower: float = Field(default=1.5, ge=1)  # so many times the baseline's latency still count as the same
    incident: Share = 0.05  # error ratio of the baseline in a step from which on the step is not left
    kill_switch: KillSwitch = KillSwitch()

    def excess(self, step: Step) -> tuple[float, float, float]:
        """The excess of failed, refused and slow requests that must be ruled out before the step is left."""
        exposed = 0.0 if step.promotes else min(self.exposure / (step.weight / 100), 1.0)
        return max(exposed, self.excess_errors), max(exposed, self.excess_refused), max(exposed, self.excess_slow)


class Plan(_Part):
    """One release from the first weight to promotion."""

    steps: tuple[Annotated[Step, BeforeValidator(_step)], ...] = Field(
        default=(10, {"weight": 25, "at_least": 30}, 50), validate_default=True
    )
    block: float = Field(default=5.0, ge=1, le=300)  # how long is measured between two looks
    warm_up: int = Field(default=1, ge=0)  # blocks of the first step that are not judged: caches are cold
    no_data: int = Field(default=3, ge=1)  # blocks in a row without data, then it pauses or rolls back
    safe_weight: int = Field(default=10, ge=0, le=MOST_WEIGHT)  # above it, lost metrics roll back
    unattended_max: int = Field(default=10, ge=0, le=MOST_WEIGHT)  # without a watchdog no weight above it
    on_death: Literal["rollback", "hold"] = "rollback"  # of the runner; `hold` only up to unattended_max
    rules: Rules = Rules()

    @field_validator("steps")
    @classmethod
    def _steps(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        if not steps:
            raise ValueError("a plan has at least one step")
        weights = [step.weight for step in steps]
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise ValueError(f"each step must have more weight than the one before: {weights}")
        last = len(steps) - 1
        return tuple(step.model_copy(update={"promotes": place == last}) for place, step in enumerate(steps))


def read(file: Path) -> Plan:
    """The plan in `file`. Raises PlanInvalid."""
    try:
        return parse(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise PlanInvalid(f"{file}: {error}") from error


def parse(text: str, name: str = "plan") -> Plan:
    """The plan that `text` is. Raises PlanInvalid with every problem there is, each with its line."""
    try:
        written, lines = loaded(name, text)
    except Unreadable as error:
        raise PlanInvalid(str(error)) from error
    try:
        return Plan.model_validate({} if written is None else written)
    except ValidationError as error:
        told = (f"{name}:{lines.line(one['loc'])}: {_told(one)}" for one in error.errors())
        raise PlanInvalid("\n".join(told)) from error


def _told(problem: ErrorDetails) -> str:
    """`steps[1].weight: Input should be less than or equal to 90, not 120`."""
    place, kind, text = shown(problem["loc"]), problem["type"], problem["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"{place}: a plan has no such field"
    if kind in {"value_error", "missing"}:
        return f"{place}: {text}"
    if kind in _SHAPES:
        return f"{place or 'the whole'}: this is {_SHAPES[kind]}, not {problem['input']!r}"
    return f"{place}: {text}, not {problem['input']!r}"
