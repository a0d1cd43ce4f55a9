"""What may a policy file say? Its schema: times carry their unit, and a key nobody knows is an error.

Where a number means what it means to mesh.resilience, its own dataclass is filled and checks it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from grpc import StatusCode
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from mesh.resilience import BreakerPolicy, BudgetPolicy, FallbackPolicy, MethodPolicy, PolicyInvalid
from mesh.resilience.server_policy import LimitPolicy, Priority
from mesh.resilience.verdicts import RETRIED_BY_DEFAULT

GATEWAY = "gateway"
"""The entrance for callers outside. It is no service: what it calls is decided by people."""

NOT_PROCESSED = ("connect-failure", "refused-stream", "reset-before-request")
"""Envoy's conditions after which no handler has seen the request (config/route/v3, retry_on)."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")
_REPLICAS = re.compile(r"(\d+)\.\.(\d+)")
T = TypeVar("T")


def seconds(written: object) -> float:
    """The seconds of "1.5s" or "400ms"."""
    found = _DURATION.fullmatch(str(written))
    if found is None or not float(found[1]):
        raise ValueError(f"{written!r} is not a time above 0 such as 400ms or 1.5s")
    return float(Decimal(found[1]) / (1000 if found[2] == "ms" else 1))


def _number(written: Any) -> Any:
    return seconds(written) if isinstance(written, str) and _DURATION.fullmatch(written) else written


def _filled(kind: type[T], written: object) -> T:
    """A policy of mesh.resilience from the keys of its fields."""
    if not isinstance(written, Mapping):
        raise ValueError(f"{written!r} is not a mapping")  # noqa: TRY004 - pydantic collects ValueErrors
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(str(key) for key in written if key not in known):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    try:
        return kind(**{key: _number(value) for key, value in written.items()})
    except PolicyInvalid as error:
        raise ValueError(str(error)) from error
    except TypeError as error:
        raise ValueError(f"a number is not a number, or something is missing: {error}") from error


def _replicas(written: object) -> tuple[int, int]:
    found = _REPLICAS.fullmatch(str(written))
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"{written!r} is not of the form least..most, such as 1..4")
    return int(found[1]), int(found[2])


def _named(kind: Any, written: object) -> Any:
    """A member of an enum by its name, in any case."""
    try:
        return kind[str(written).upper()]
    except KeyError:
        names = ", ".join(member.name for member in kind)
        raise ValueError(f"{written!r} is none of {names}") from None


Seconds: TypeAlias = Annotated[float, BeforeValidator(seconds)]
Code: TypeAlias = Annotated[StatusCode, BeforeValidator(partial(_named, StatusCode))]
Replicas: TypeAlias = Annotated[tuple[int, int], PlainValidator(_replicas)]
Breaker: TypeAlias = Annotated[BreakerPolicy, PlainValidator(partial(_filled, BreakerPolicy))]
Budget: TypeAlias = Annotated[BudgetPolicy, PlainValidator(partial(_filled, BudgetPolicy))]
Fallback: TypeAlias = Annotated[FallbackPolicy, PlainValidator(partial(_filled, FallbackPolicy))]
Limit: TypeAlias = Annotated[LimitPolicy, PlainValidator(partial(_filled, LimitPolicy))]
Called: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]+\.[A-Z]\w*$")]
"""A method of a service by the names people use: "catalog.BatchGetProducts"."""
Port: TypeAlias = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """A mapping whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Method(Section):
    """What happens to the calls of one RPC."""

    deadline: Seconds | None = None  # of the whole call and of its handler; only a stream may have none
    patience: Seconds | None = (
        None  # of a caller inside that waits longer than the handler may take; None: the deadline
    )
    per_try: Seconds | None = None  # of one attempt of a caller inside
    mesh_per_try: Seconds | None = None  # of one attempt of the mesh; None: the service's
    idempotent: Literal[True] | Annotated[str, Field(pattern=r"^by [a-z_]+$")] | None = None
    attempts: int = Field(default=3, ge=1, le=3)  # of a caller inside; more than one only if idempotent
    retry_on: frozenset[Code] | None = None  # None: what mesh.resilience.verdicts says
    breaker: str = Field(default="default", pattern="^[a-z]+$")
    fallback: Fallback | None = None
    priority: Annotated[Priority, BeforeValidator(partial(_named, Priority))] = Priority.NORMAL
    callers: tuple[str, ...] = ()
    # What people have to show, at the gateway and on pages; programs have certificates. docs/decisions/0032
    token: Literal["required"] | None = None
    role: Literal["admin"] | None = None  # in the token
    calls: tuple[Called, ...] = ()  # one after the other, while its own caller waits
    fault_injection: bool = True

    @property
    def signed_in(self) -> bool:
        """Whether people need a token."""
        return self.token is not None or self.role is not None

    def client(self) -> MethodPolicy:
        """How a service calls it. Raises PolicyInvalid; ValueError without a deadline, which reading.py refuses."""
        if self.deadline is None:
            raise ValueError("no deadline")
        return MethodPolicy(
            timeout=self.patience or self.deadline,
            per_try_timeout=self.per_try,
            idempotent=self.idempotent is not None,
            attempts=self.attempts,
            retry_on=RETRIED_BY_DEFAULT if self.retry_on is None else self.retry_on,
            group=self.breaker,
            fallback=self.fallback,
        )


class Caller(Section):
    """What one calling service may do to this one, all its calls in one process together."""

    # A tenth more calls, and one a second: rules 7 and the SRE book. Above it the linter refuses.
    retry_budget: Budget = BudgetPolicy()
    bulkhead: int | None = Field(default=None, ge=1)  # attempts on the wire at once


class Gateway(Section):
    """How the gateway calls this service for people whose deadlines it cannot know."""

    per_try: Seconds  # long enough for every write to end by its own deadline


class MeshBudget(Section):
    """How many of the requests on their way may be the mesh's retries."""

    percent: float = Field(default=20.0, gt=0, le=100)  # Istio's own default was 0.2 for a while (istio#59504)
    least: int = Field(default=3, ge=1)


class WarmUp(Section):
    """How a pod that has just come gets its share of the calls. Reasons: docs/decisions/0022."""

    duration: Seconds = 10.0
    minimum_percent: float = Field(default=20.0, gt=0, le=100)  # of its share, at first
    aggression: float = Field(default=1.0, gt=0)  # 1: the share grows evenly; more: sooner


class Mesh(Section):
    """What the mesh does with every call of this service. Reasons: docs/decisions/0004."""

    per_try: Seconds | None = None  # only a service without methods may have none
    attempts: int = Field(default=1, ge=0)  # retries, as Istio counts: the first try not included
    retry_on: tuple[str, ...] = NOT_PROCESSED
    retry_budget: MeshBudget = MeshBudget()
    connect_timeout: Seconds = 0.3
    max_requests: int = Field(default=1000, ge=1)
    nearest_first: bool = True  # pods of the caller's own zone as long as they are well: docs/decisions/0022
    warm_up: WarmUp = WarmUp()


class Outlier(Section):
    """When a pod is taken out of the service."""

    judged_by: Literal["answers", "connections"] = "answers"
    gateway_errors: int = Field(default=3, ge=1)  # in a row; UNAVAILABLE and tries the mesh gave up
    errors: int = Field(default=5, ge=1)  # in a row, of any kind
    connections: int = Field(default=3, ge=1)  # refused in a row; counts only when judged by connections
    interval: Seconds = 2.0
    base_ejection: Seconds = 5.0
    max_ejection_percent: int = Field(default=50, ge=0, le=100)


class Pages(Section):
    """What people open in a browser, through the gateway. Whom such a service calls, it calls for them."""

    port: Port


class Published(Section):
    """Files that everybody may read in plain HTTP: istiod, for one, which has no certificate of the mesh."""

    port: Port
    paths: tuple[Annotated[str, Field(pattern="^/")], ...] = Field(min_length=1)


class ServiceFile(Section):
    """A service as callee, and what it calls."""

    service: str | None = None  # its contract; only pages need none
    pages: Pages | None = None
    published: Published | None = None
    everywhere: bool = False  # served beside every other service, and no pods of its own
    replicas: Replicas = (1, 4)
    limit: Limit = LimitPolicy()
    breakers: Mapping[str, Breaker] = {}
    mesh: Mesh = Mesh()
    outlier: Outlier = Outlier()
    gateway: Gateway | None = None
    callers: Mapping[str, Caller] = {}
    methods: Mapping[str, Method] = {}
    calls: tuple[Called, ...] = ()  # of its own accord, with no caller waiting; and for its pages


class CallerFile(Section):
    """A program that calls and serves nothing."""

    calls: tuple[Called, ...]


PolicyFile: TypeAlias = ServiceFile | CallerFile
