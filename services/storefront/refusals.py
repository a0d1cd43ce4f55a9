"""What does a service's refusal mean outside? An HTTP status and what the refusal itself says; never a trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from types import MappingProxyType

from google.rpc import error_details_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError
from grpc_status import rpc_status

_STATUSES: Mapping[StatusCode, HTTPStatus] = MappingProxyType(
    {
        StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
        StatusCode.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
        StatusCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
        StatusCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
        StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
        StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
        StatusCode.ABORTED: HTTPStatus.CONFLICT,
        StatusCode.FAILED_PRECONDITION: HTTPStatus.CONFLICT,
        StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
        StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        StatusCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
        StatusCode.CANCELLED: HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
# RESOURCE_EXHAUSTED says two things: this customer asks too often, or there are too many customers.
_FULL = frozenset({"OVERLOADED", "TOO_MANY_CALLS", "TOO_LITTLE_TIME", "TOO_MANY_ORDERS"})


@dataclass(frozen=True)
class Refusal:
    """Why a service did not do what it was asked."""

    status: HTTPStatus
    reason: str = ""  # UPPER_SNAKE, for programs; empty when nobody gave one
    message: str = ""  # what the service said; only to be shown for a refusal that blames the request
    facts: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)  # what is wrong with which field of the request
    retry_after: int | None = None  # seconds

    @property
    def silence(self) -> bool:
        """Whether nobody knows what became of the call, or nobody could take it."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def refusal(error: AioRpcError) -> Refusal:
    """What a failed call means. A status nobody planned for is a bad gateway: it is not the customer's doing."""
    info, blamed, retry = _details(error)
    status = _STATUSES.get(error.code(), HTTPStatus.BAD_GATEWAY)
    if status is HTTPStatus.TOO_MANY_REQUESTS and (info.reason in _FULL or not info.reason):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return Refusal(
        status,
        info.reason,
        error.details() or "" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "",
        dict(info.metadata),
        {violation.field: violation.description for violation in blamed.field_violations},
        ceil(retry.retry_delay.ToMilliseconds() / 1000) if retry.HasField("retry_delay") else None,
    )


def _details(
    error: AioRpcError,
) -> tuple[error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo]:
    found = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # the details contradict the status: some proxy has rewritten one of the two
        return found
    for detail in status.details if status else ():
        for kind in found:
            detail.Unpack(kind)
    return found
