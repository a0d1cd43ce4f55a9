"""When does the server want to be asked again? It may say so in a header for machines or a detail for people.

`grpc-retry-pushback-ms` (gRFC A6) wins over `google.rpc.RetryInfo`. Neither outlives the caller's deadline.
"""

from __future__ import annotations

import math

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc.aio import AioRpcError, Metadata

NOT_AT_ALL = math.inf  # seconds; no deadline lasts that long
PUSHBACK = "grpc-retry-pushback-ms"  # gRFC A6: a negative number means do not try again
_DETAILS = "grpc-status-details-bin"


def pushback(error: AioRpcError) -> float | None:
    """Seconds until the server wants to be asked again, NOT_AT_ALL if it does not, None if it said nothing."""
    trailers = error.trailing_metadata() or Metadata()
    if (said := trailers.get(PUSHBACK)) is not None:
        return _from_milliseconds(said)
    if isinstance(details := trailers.get(_DETAILS), bytes):
        return _from_retry_info(details)
    return None


def _from_milliseconds(said: str | bytes) -> float:
    try:
        milliseconds = int(said)
    except ValueError:
        return NOT_AT_ALL  # A6: what cannot be read means "do not retry"
    return milliseconds / 1000 if milliseconds >= 0 else NOT_AT_ALL


def _from_retry_info(details: bytes) -> float | None:
    info = error_details_pb2.RetryInfo()
    try:
        status = status_pb2.Status.FromString(details)
        found = any(detail.Unpack(info) for detail in status.details)
    except DecodeError:
        return None  # a broken detail is not an instruction
    delay = info.retry_delay  # not ToTimedelta(): it refuses what is longer than its calendar
    return max(0.0, delay.seconds + delay.nanos / 1e9) if found else None
