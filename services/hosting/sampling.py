"""Is an arriving call traced? Decided once, before OpenTelemetry's interceptor is entered.

The SDK's own sampler decides, the one OTEL_TRACES_SAMPLER names, by the caller's context as OTEL_PROPAGATORS
reads it. So the SDK, asked again for a call that is let through, says the same. A call that begins a
trace is decided by the trace id that its spans then get.

A call that is not traced costs what it takes to decide; everything done for it knows, and says so downstream.
"""

from __future__ import annotations

from contextvars import ContextVar

import grpc
from opentelemetry import context, propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

_decided_by: ContextVar[int] = ContextVar("decided_by", default=trace.INVALID_TRACE_ID)


class DecidedIds(RandomIdGenerator):
    """Random ids, but the trace of a call that Sampling let through gets the id it was decided by."""

    def generate_trace_id(self) -> int:
        decided = _decided_by.get()
        if decided == trace.INVALID_TRACE_ID:
            return super().generate_trace_id()
        _decided_by.set(trace.INVALID_TRACE_ID)
        return decided


class Sampling:
    """Decides with the sampler of `provider`, whose ids have to be DecidedIds."""

    def __init__(self, provider: TracerProvider) -> None:
        self._sampler, self._ids = provider.sampler, provider.id_generator

    def adopt(self, details: grpc.HandlerCallDetails) -> bool:
        """Whether to trace this call. If not, it and the calls made for it carry a span that says so.

        Only for the task that answers the call: gRPC has one for each, so nothing is ever reset.
        """
        arrived = propagate.extract(dict(details.invocation_metadata or ()))
        caller = trace.get_current_span(arrived).get_span_context()
        trace_id = caller.trace_id if caller.is_valid else self._ids.generate_trace_id()
        result = self._sampler.should_sample(arrived, trace_id, details.method, SpanKind.SERVER)
        if result.decision is not Decision.DROP:
            _decided_by.set(trace.INVALID_TRACE_ID if caller.is_valid else trace_id)
            return True
        if caller.trace_flags.sampled or not caller.is_valid:  # else what arrived says it already
            arrived = trace.set_span_in_context(NonRecordingSpan(self._unsampled(caller, trace_id)), arrived)
        context.attach(arrived)
        return False

    def _unsampled(self, caller: SpanContext, trace_id: int) -> SpanContext:
        if not caller.is_valid:
            flags = TraceFlags(TraceFlags.RANDOM_TRACE_ID)
            return SpanContext(trace_id, self._ids.generate_span_id(), is_remote=False, trace_flags=flags)
        flags = TraceFlags(caller.trace_flags & ~TraceFlags.SAMPLED)
        # The caller's span stays the parent of what is below: no span of ours comes between them.
        return SpanContext(trace_id, caller.span_id, False, flags, caller.trace_state)
