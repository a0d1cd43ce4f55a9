"""Does a call pass the tracing interceptors? Only when the span it is made in is sampled.

They cost a call that nobody records more than half of what they cost one that is recorded
(docs/decisions/0012-sampling.md), so whoever is not sampled goes round them, on a channel of its own. Both
channels share one connection: gRPC pools those by target and options.

Imported only when tracing is on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import grpc
from opentelemetry import propagate, trace

from mesh.resilience.propagation import Pair


class SampledChannel:
    """What a generated stub needs of a grpc.aio.Channel; each call of its callables takes one of two channels.

    `traced` is for calls made in a sampled span, and for those made in none: there the SDK decides.
    `bare` is for the others. They carry the context of their span all the same, flagged as not sampled, so
    that nobody below begins a trace of its own.
    """

    def __init__(self, bare: grpc.aio.Channel, traced: grpc.aio.Channel) -> None:
        self._bare, self._traced = bare, traced

    def unary_unary(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        return _either(self._bare.unary_unary(*args, **kwargs), self._traced.unary_unary(*args, **kwargs))

    def unary_stream(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        return _either(self._bare.unary_stream(*args, **kwargs), self._traced.unary_stream(*args, **kwargs))

    def stream_unary(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        return _either(self._bare.stream_unary(*args, **kwargs), self._traced.stream_unary(*args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        return _either(self._bare.stream_stream(*args, **kwargs), self._traced.stream_stream(*args, **kwargs))


def _either(bare: Callable[..., Any], traced: Callable[..., Any]) -> Callable[..., Any]:
    def call(request: Any, *, metadata: Iterable[Pair] | None = None, **options: Any) -> Any:
        span = trace.get_current_span().get_span_context()
        if span.trace_flags.sampled or not span.is_valid:
            return traced(request, metadata=metadata, **options)
        headers: dict[str, str] = {}
        propagate.inject(headers)
        return bare(request, metadata=(*(metadata or ()), *headers.items()), **options)

    return call
