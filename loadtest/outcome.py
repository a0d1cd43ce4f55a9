"""How did one call end, and is that what the caller was promised?

Locust counts every error as a failure. A shop does not: a declined card that is declined is a good answer, and one
that is charged is the worst of all. So an outcome has a kind, which depends on what the request deserved.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from google.rpc import error_details_pb2, status_pb2
from grpc import RpcError, StatusCode

DETAILS_KEY = "grpc-status-details-bin"


class Kind(StrEnum):
    """What a status means to somebody who generates load; a failure budget is declared for each of the last three."""

    OK = "ok"  # answered
    EXPECTED = "expected"  # refused as this request deserved: a declined card, an empty shelf
    UNAVAILABLE = "unavailable"  # no answer in time, or turned away: the mesh's promise
    REFUSED = "refused"  # a business code nobody asked for: the harness and the shop disagree
    BROKEN = "broken"  # a bug in the shop


FAILURES = (Kind.UNAVAILABLE, Kind.REFUSED, Kind.BROKEN)

KINDS: dict[StatusCode, Kind] = {
    StatusCode.OK: Kind.OK,
    StatusCode.UNAVAILABLE: Kind.UNAVAILABLE,
    StatusCode.DEADLINE_EXCEEDED: Kind.UNAVAILABLE,
    StatusCode.CANCELLED: Kind.UNAVAILABLE,  # by the peer: a server or a proxy that sheds load
    StatusCode.RESOURCE_EXHAUSTED: Kind.UNAVAILABLE,
    StatusCode.ABORTED: Kind.UNAVAILABLE,  # somebody else is at work on it: try again
    StatusCode.INVALID_ARGUMENT: Kind.REFUSED,
    StatusCode.NOT_FOUND: Kind.REFUSED,
    StatusCode.ALREADY_EXISTS: Kind.REFUSED,
    StatusCode.PERMISSION_DENIED: Kind.REFUSED,
    StatusCode.UNAUTHENTICATED: Kind.REFUSED,
    StatusCode.FAILED_PRECONDITION: Kind.REFUSED,
    StatusCode.OUT_OF_RANGE: Kind.REFUSED,
    StatusCode.UNIMPLEMENTED: Kind.BROKEN,
    StatusCode.INTERNAL: Kind.BROKEN,
    StatusCode.UNKNOWN: Kind.BROKEN,
    StatusCode.DATA_LOSS: Kind.BROKEN,
}


@dataclass(frozen=True)
class Deserved:
    """What a request deserves: the ErrorInfo reasons that are right answers, and whether OK is one."""

    reasons: frozenset[str] = frozenset()
    success: bool = True

    def kind(self, code: StatusCode, reason: str) -> Kind:
        """The kind of this answer to this request."""
        if code is StatusCode.OK:
            return Kind.OK if self.success else Kind.BROKEN
        return Kind.EXPECTED if reason in self.reasons else KINDS[code]


SUCCESS = Deserved()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call ended, and who answered; `pod` and `version` are empty when no server of the shop did."""

    code: StatusCode
    kind: Kind
    reason: str = ""  # google.rpc.ErrorInfo.reason of an error
    detail: str = ""  # the error's message
    pod: str = ""
    version: str = ""
    label: str = ""  # the caller's own mark, for example the RPC's name
    order_id: str = ""  # of an order that was confirmed
    tries: int = 1  # how often it was sent
    degraded: str = ""  # the services an answer does without, or whose last good answer it repeats

    @property
    def failed(self) -> bool:
        """Neither answered nor refused as deserved."""
        return self.kind in FAILURES


class Failure(Protocol):
    """A finished call that failed, as grpc and grpc.aio both present it."""

    def code(self) -> StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[Any] | None: ...  # of (key, value)


class Unfinished(Exception):
    """An RpcError without a status: a programming error, not an answer."""


def failure(error: RpcError) -> Failure:
    """The same error with the methods that grpc adds at run time but leaves out of RpcError's type."""
    if not (hasattr(error, "code") and hasattr(error, "trailing_metadata")):
        raise Unfinished(repr(error)) from error
    return error


def reason_of(error: Failure) -> str:
    """The google.rpc.ErrorInfo reason of an error, or an empty string."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return str(info.reason)
    return ""
