"""What does a gRPC status mean to the retry, and to the breaker? The one table both ask.

The two questions differ: NOT_FOUND is a healthy answer nobody should ask for again, UNAVAILABLE is a
sick peer worth another try, RESOURCE_EXHAUSTED says nothing about health and may be retried only when
the server says when. Sources: gRFC A6 (retries), the gRPC status code guide, and a measurement: a
saturated Python server sheds with CANCELLED, so a CANCELLED *from the peer* is its failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from grpc import StatusCode


class Retry(Enum):
    """When an idempotent method may be tried again after a status."""

    NEVER = "never; a policy that lists it is invalid"
    IF_LISTED = "only where the method's policy lists it"
    YES = "by default"
    IF_CUT_SHORT = "by default, when our own per-try timeout ended the attempt and time is left"
    IF_TOLD = "by default, when the server said when (pushback or RetryInfo)"


class Health(Enum):
    """What an attempt tells the breaker about the peer."""

    HEALTHY = "it answered"
    FAILED = "it could not answer"
    NEUTRAL = "nothing was learnt: neither success nor failure"
    SLOW = "it answered, too late to be of use"


# By name from here on: the table reads better, and Python 3.11 takes 0.1 us to find an enum's member.
NEVER, IF_LISTED, YES, IF_CUT_SHORT, IF_TOLD = Retry
HEALTHY, FAILED, NEUTRAL, SLOW = Health


class Verdict(NamedTuple):
    retry: Retry
    health: Health


VERDICTS: Mapping[StatusCode, Verdict] = MappingProxyType(
    {
        StatusCode.OK: Verdict(NEVER, HEALTHY),
        StatusCode.UNAVAILABLE: Verdict(YES, FAILED),
        # Neutral instead of failed when the attempt was unfairly short: see call.py.
        StatusCode.DEADLINE_EXCEEDED: Verdict(IF_CUT_SHORT, FAILED),
        # A quota or a shed call: the peer is alive and asks for less.
        StatusCode.RESOURCE_EXHAUSTED: Verdict(IF_TOLD, NEUTRAL),
        # Sent by the peer: it shed the call or has a bug. A local cancel is asyncio.CancelledError, not a status.
        StatusCode.CANCELLED: Verdict(NEVER, FAILED),
        StatusCode.INTERNAL: Verdict(IF_LISTED, FAILED),
        StatusCode.UNKNOWN: Verdict(IF_LISTED, FAILED),
        StatusCode.DATA_LOSS: Verdict(IF_LISTED, FAILED),
        # A transaction lost a race: whoever owns the transaction starts it again, not the transport.
        StatusCode.ABORTED: Verdict(NEVER, HEALTHY),
        # Answers of a living peer to a question that would get the same answer again.
        StatusCode.INVALID_ARGUMENT: Verdict(NEVER, HEALTHY),
        StatusCode.NOT_FOUND: Verdict(NEVER, HEALTHY),
        StatusCode.ALREADY_EXISTS: Verdict(NEVER, HEALTHY),
        StatusCode.PERMISSION_DENIED: Verdict(NEVER, HEALTHY),
        StatusCode.UNAUTHENTICATED: Verdict(NEVER, HEALTHY),
        StatusCode.FAILED_PRECONDITION: Verdict(NEVER, HEALTHY),
        StatusCode.OUT_OF_RANGE: Verdict(NEVER, HEALTHY),
        StatusCode.UNIMPLEMENTED: Verdict(NEVER, HEALTHY),
    }
)

RETRYABLE = frozenset(code for code, verdict in VERDICTS.items() if verdict.retry is not NEVER)
RETRIED_BY_DEFAULT = frozenset(code for code in RETRYABLE if VERDICTS[code].retry is not IF_LISTED)
