"""What does a gRPC status mean to the retry, to the breaker, and to a canary? The one table all three ask.

The questions differ: NOT_FOUND is a healthy answer nobody should ask for again, UNAVAILABLE is a
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


class Canary(Enum):
    """What an answer says against the version that gave it."""

    GOOD = "nothing"
    BAD = "the version could not do its work"
    CALLERS = "as much as the callers' questions do; only a shift against the other version says something"
    APART = "that it was asked for too much; reported apart"


# By name from here on: the table reads better, and Python 3.11 takes 0.1 us to find an enum's member.
NEVER, IF_LISTED, YES, IF_CUT_SHORT, IF_TOLD = Retry
HEALTHY, FAILED, NEUTRAL, SLOW = Health
GOOD, BAD, CALLERS, APART = Canary


class Verdict(NamedTuple):
    retry: Retry
    health: Health
    canary: Canary


VERDICTS: Mapping[StatusCode, Verdict] = MappingProxyType(
    {
        StatusCode.OK: Verdict(NEVER, HEALTHY, GOOD),
        StatusCode.UNAVAILABLE: Verdict(YES, FAILED, BAD),
        # Neutral instead of failed when the attempt was unfairly short: see call.py.
        StatusCode.DEADLINE_EXCEEDED: Verdict(IF_CUT_SHORT, FAILED, BAD),
        # A quota or a shed call: the peer is alive and asks for less.
        StatusCode.RESOURCE_EXHAUSTED: Verdict(IF_TOLD, NEUTRAL, APART),
        # Sent by the peer: it shed the call or has a bug. A local cancel is asyncio.CancelledError, not a status.
        StatusCode.CANCELLED: Verdict(NEVER, FAILED, BAD),
        StatusCode.INTERNAL: Verdict(IF_LISTED, FAILED, BAD),
        StatusCode.UNKNOWN: Verdict(IF_LISTED, FAILED, BAD),
        StatusCode.DATA_LOSS: Verdict(IF_LISTED, FAILED, BAD),
        # A transaction lost a race: whoever owns the transaction starts it again, not the transport.
        StatusCode.ABORTED: Verdict(NEVER, HEALTHY, CALLERS),
        # Answers of a living peer to a question that would get the same answer again.
        StatusCode.INVALID_ARGUMENT: Verdict(NEVER, HEALTHY, CALLERS),
        StatusCode.NOT_FOUND: Verdict(NEVER, HEALTHY, CALLERS),
        StatusCode.ALREADY_EXISTS: Verdict(NEVER, HEALTHY, CALLERS),
        StatusCode.PERMISSION_DENIED: Verdict(NEVER, HEALTHY, CALLERS),
        StatusCode.UNAUTHENTICATED: Verdict(NEVER, HEALTHY, CALLERS),
        StatusCode.FAILED_PRECONDITION: Verdict(NEVER, HEALTHY, CALLERS),
        StatusCode.OUT_OF_RANGE: Verdict(NEVER, HEALTHY, CALLERS),
        # A healthy peer, of a version that lacks what is asked for.
        StatusCode.UNIMPLEMENTED: Verdict(NEVER, HEALTHY, BAD),
    }
)

RETRYABLE = frozenset(code for code, verdict in VERDICTS.items() if verdict.retry is not NEVER)
RETRIED_BY_DEFAULT = frozenset(code for code in RETRYABLE if VERDICTS[code].retry is not IF_LISTED)
