"""Who answered the calls of a block? Noted from what each answer says of its server, while somebody collects.

For pages that show it; nobody else pays more than a look at a variable.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

from grpc.aio import AioRpcError

from mesh.resilience.scoped import Scoped

T = TypeVar("T")
Send = Callable[[float], Awaitable[T]]


class Answer(NamedTuple):
    """One answer, a refusal also: whose it was, and what its trailers say."""

    peer: str
    trailers: Mapping[str, str | bytes]


_notes: ContextVar[list[Answer] | None] = ContextVar("answers", default=None)


def collect() -> Scoped[list[Answer]]:
    """The answers that arrive during a block, also in the tasks that it starts."""
    return Scoped(_notes, [])


def noting(peer: str, send: Send[T]) -> Send[T]:
    """`send`, which begins an RPC to `peer`, such that its answer is noted; `send` itself where nobody collects."""
    notes = _notes.get()
    if notes is None:
        return send

    async def noted(allowed: float) -> T:
        call: Any = send(allowed)
        try:
            response: T = await call
        except AioRpcError as error:
            notes.append(Answer(peer, dict(error.trailing_metadata() or ())))
            raise
        notes.append(Answer(peer, dict(await call.trailing_metadata() or ())))
        return response

    return noted
