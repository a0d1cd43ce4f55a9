"""How does an error look on the wire? As google.rpc.Status with details, in trailing metadata.

Pure: takes an exception, returns code, message and trailers. The detail messages are those of
https://google.aip.dev/193: ErrorInfo always, BadRequest when fields are to blame, RetryInfo when a
retry makes sense.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError
from grpc_status import rpc_status

from mesh.resilience.admission import Reason
from mesh.resilience.errors import NotAdmitted
from mesh.resilience.pushback import PUSHBACK
from services.hosting.errors import DependencyUnavailable, Overloaded, ShopError, Violation

DOMAIN = "argosy.dev"

# gRPC peers drop trailers above 8 KiB (GRPC_ARG_MAX_METADATA_SIZE), and the text travels twice:
# as grpc-message and inside the details.
MAX_MESSAGE_CHARS = 500
MAX_VIOLATION_BYTES = 4096

# A dependency's failure that is the same failure to our caller. Every other code means that we
# called it wrongly, which is our bug and not the caller's.
_DEPENDENCY_DOWN = frozenset(
    {
        StatusCode.UNAVAILABLE,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.CANCELLED,
    }
)

_NOT_ADMITTED: Mapping[str, tuple[str, str]] = {
    Reason.PLACES: ("TOO_MANY_CALLS", "this server is answering as many calls as it may"),
    Reason.LIMIT: ("OVERLOADED", "this server is answering as many calls as it can"),
    Reason.TIME: ("TOO_LITTLE_TIME", "the deadline will have passed before an answer is there"),
}


@dataclass(frozen=True)
class Refusal:
    """What is sent instead of a response. `expected` is False for what must be looked into."""

    code: StatusCode
    message: str
    reason: str = ""
    trailers: tuple[tuple[str, str | bytes], ...] = ()
    expected: bool = True


def refusal(error: Exception) -> Refusal:
    """The status for `error`; of an unexpected one it tells nothing but INTERNAL."""
    match error:
        case NotAdmitted():
            return _not_admitted(error.reason, None if error.retry_in is None else round(error.retry_in, 2))
        case DependencyUnavailable() | Overloaded():
            return _refuse(error, (PUSHBACK, _pushback(error.retry_in)))
        case ShopError():
            return _refuse(error)
        case AioRpcError() if error.code() in _DEPENDENCY_DOWN:
            return refusal(DependencyUnavailable("a service behind this one"))
        case TimeoutError():
            return Refusal(StatusCode.DEADLINE_EXCEEDED, "the deadline has passed")
    return Refusal(StatusCode.INTERNAL, "internal error", expected=False)


@lru_cache(maxsize=1024)  # an overloaded server says this thousands of times a second: 1 us instead of 19
def _not_admitted(reason: str, retry_in: float | None) -> Refusal:
    return refusal(Overloaded(*_NOT_ADMITTED[reason], retry_in=retry_in))


def _refuse(error: ShopError, *trailers: tuple[str, str | bytes]) -> Refusal:
    message = error.message[:MAX_MESSAGE_CHARS]
    details = [_packed(detail) for detail in _details(error)]
    status = status_pb2.Status(code=error.code.value[0], message=message, details=details)
    rich = rpc_status.to_status(status)
    return Refusal(error.code, message, error.reason, (*rich.trailing_metadata, *error.trailers, *trailers))


def _details(error: ShopError) -> Iterable[Message]:
    yield error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    if error.violations:
        yield _bad_request(error.violations)
    if isinstance(error, DependencyUnavailable | Overloaded) and error.retry_in is not None:
        delay = Duration()
        delay.FromMilliseconds(round(error.retry_in * 1000))
        yield error_details_pb2.RetryInfo(retry_delay=delay)


def _bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    bad = error_details_pb2.BadRequest()
    size = 0
    for seen, violation in enumerate(violations):
        size += len(violation.field) + len(violation.description) + len(violation.rule) + 8
        if size > MAX_VIOLATION_BYTES:
            bad.field_violations.add(field="", description=f"and {len(violations) - seen} more")
            break
        bad.field_violations.add(field=violation.field, description=violation.description, reason=violation.rule)
    return bad


def _packed(detail: Message) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed


def _pushback(retry_in: float | None) -> str:
    return "-1" if retry_in is None else str(round(retry_in * 1000))
