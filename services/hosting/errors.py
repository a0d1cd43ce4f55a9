"""What can a service refuse, and with which facts?

    ShopError
    ├── InvalidRequest         INVALID_ARGUMENT     this request can never succeed
    ├── NotFound               NOT_FOUND            it names something that does not exist
    ├── AlreadyExists          ALREADY_EXISTS       its key was used for something else
    ├── PreconditionFailed     FAILED_PRECONDITION  not while things are as they are
    ├── Unauthenticated        UNAUTHENTICATED      nobody knows who calls
    ├── Forbidden              PERMISSION_DENIED    this caller may not
    ├── Aborted                ABORTED              somebody else was quicker: read again, then try again
    ├── Overloaded             RESOURCE_EXHAUSTED   too many calls: not now
    └── DependencyUnavailable  UNAVAILABLE          something this service needs does not answer

Domain code raises them; one place (status.py) turns them into gRPC statuses. `CannotStart` stands
apart: it ends the process before it serves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from grpc import StatusCode


@dataclass(frozen=True)
class Violation:
    """One field of a request that breaks a rule."""

    field: str  # dotted path: "lines[0].quantity"
    description: str  # for people: "must be at least 1"; never repeats the value, which may be private
    rule: str = ""  # for programs: "int32.gte"


class ShopError(Exception):
    """A refusal with a reason; use one of its subclasses.

    `reason` is UPPER_SNAKE and stable: programs decide by it. `metadata` holds further facts
    (strings) for programs. `field` names the request field that is to blame, if one is.
    """

    code: ClassVar[StatusCode]
    trailers: Sequence[tuple[str, str]] = ()  # sent with the status

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        field: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = metadata or {}
        self.violations: Sequence[Violation] = (Violation(field, message),) if field else ()


class InvalidRequest(ShopError):
    code = StatusCode.INVALID_ARGUMENT

    @classmethod
    def of(cls, violations: Sequence[Violation]) -> InvalidRequest:
        """Every broken rule of one request at once; `violations` is not empty."""
        error = cls("INVALID_REQUEST", "; ".join(f"{v.field} {v.description}" for v in violations[:3]))
        error.violations = violations
        return error


class NotFound(ShopError):
    code = StatusCode.NOT_FOUND


class AlreadyExists(ShopError):
    code = StatusCode.ALREADY_EXISTS


class PreconditionFailed(ShopError):
    code = StatusCode.FAILED_PRECONDITION


class Unauthenticated(ShopError):
    code = StatusCode.UNAUTHENTICATED


class Forbidden(ShopError):
    code = StatusCode.PERMISSION_DENIED


class Aborted(ShopError):
    code = StatusCode.ABORTED


class Overloaded(ShopError):
    """Too many calls. `retry_in` says after how many seconds a retry makes sense; None: not at all."""

    code = StatusCode.RESOURCE_EXHAUSTED

    def __init__(self, reason: str, message: str, *, field: str = "", retry_in: float | None = None) -> None:
        super().__init__(reason, message, field=field)
        self.retry_in = retry_in


class DependencyUnavailable(ShopError):
    """Something behind this service does not answer.

    Callers are told not to try again (`grpc-retry-pushback-ms: -1`), because this service has
    already done so, unless `retry_in` says after how many seconds a retry makes sense.
    """

    code = StatusCode.UNAVAILABLE

    def __init__(
        self,
        dependency: str,
        message: str = "",
        *,
        reason: str = "DEPENDENCY_UNAVAILABLE",
        retry_in: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        facts = {"dependency": dependency, **(metadata or {})}
        super().__init__(reason, message or f"{dependency} does not answer", metadata=facts)
        self.dependency = dependency
        self.retry_in = retry_in


class CannotStart(Exception):
    """The service cannot start; the message is one sentence that says what to change."""
