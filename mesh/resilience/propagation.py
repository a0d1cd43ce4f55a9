"""Which of the caller's headers travel on with the calls made on its behalf? Those listed here, and no others.

A list of what may pass, never of what may not: `grpc-*` describes one hop, `x-envoy-*` gives orders to
one proxy, and `authorization` was issued for one audience. Forwarded, each does harm far from its source.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar

from mesh.resilience.scoped import Scoped

Pair = tuple[str, str | bytes]
Pairs = tuple[Pair, ...]

# W3C trace context. Left to the tracing interceptor where there is one: it sends the span of this hop.
TRACE = frozenset({"traceparent", "tracestate"})
FORWARDED = frozenset({"x-request-id", "x-canary"}) | TRACE

_inherited: ContextVar[Pairs] = ContextVar("inherited_metadata", default=())


def adopt(metadata: Iterable[Pair] | None) -> Scoped[Pairs]:
    """Remember what may travel on of a request's metadata, for every call made in a block."""
    return Scoped(_inherited, tuple([pair for pair in metadata or () if pair[0] in FORWARDED]))


def outgoing(own: Iterable[Pair] | None, *, withheld: frozenset[str] = frozenset()) -> Pairs | None:
    """A call's metadata: its own, and what it inherits but for `withheld`. Its own wins where both name a key."""
    inherited = _inherited.get()
    if not inherited:
        return tuple(own) if own else None
    mine = tuple(own) if own else ()
    taken = withheld | {key for key, _ in mine}
    return mine + tuple((key, value) for key, value in inherited if key not in taken)
