"""Was this answer made with less than was asked for? Noted where it happens, read where the answer leaves.

A server collects while it works on a request; a fallback notes the peer it stood in for. What is noted
in a task the request started is seen as well: the tasks share the one collection.
"""

from __future__ import annotations

from contextvars import ContextVar

from mesh.resilience.scoped import Scoped

_notes: ContextVar[set[str] | None] = ContextVar("degraded", default=None)


def collect() -> Scoped[set[str]]:
    """The peers that were stood in for during a block, as they are noted."""
    return Scoped(_notes, set())


def note(peer: str) -> None:
    """A fallback answered instead of `peer`. Forgotten where nobody collects."""
    notes = _notes.get()
    if notes is not None:
        notes.add(peer)


def collected() -> frozenset[str]:
    """The peers that were stood in for until now, for an answer that says so itself; none where nobody collects."""
    return frozenset(_notes.get() or ())
