"""How does a run look in a trace? One span for the run, one for each step. Off unless OpenTelemetry's variables ask.

A run that was paused or killed goes on in the same trace: its id is made of the run's.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mesh.canary.journal.entry import Entry, Kind

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

_SERVICE = "argosy-canary"


class Spans:
    """Makes spans of entries with the tracer of `provider`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(_SERVICE)
        self._run: Span | None = None
        self._step: Span | None = None
        self._facts: dict[str, Any] = {}

    def heard(self, entry: Entry) -> None:
        match entry.kind:
            case Kind.STARTED | Kind.RESUMED:
                self._begin_run(entry)
            case Kind.APPLIED if entry.facts["done"] and entry.facts["action"] == "shift":
                self._begin_step(entry)
            case Kind.OBSERVED if self._step:
                self._step.add_event("observed", {"share": entry.facts["share"]}, _nanoseconds(entry))
            case Kind.JUDGED if self._step:
                self._step.set_attributes({"outcome": entry.facts["outcome"], "reason": entry.facts["reason"]})
            case Kind.PAUSED | Kind.ENDED:
                self._end(entry)
            case _:
                pass

    def close(self) -> None:
        """End what has not ended: the process does before the run."""
        for span in (self._step, self._run):
            if span:
                span.end()
        self._step = self._run = None

    def _begin_run(self, entry: Entry) -> None:
        self.close()
        self._facts.update({name: entry.facts[name] for name in _TOLD if name in entry.facts})
        attributes = {**self._facts, "run": entry.run, "by": entry.by}
        self._run = self._tracer.start_span(
            "canary", _parent(entry.run), attributes=attributes, start_time=_nanoseconds(entry)
        )

    def _begin_step(self, entry: Entry) -> None:
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415  # see `opened`

        if self._step:
            self._step.end(_nanoseconds(entry))
        weights = {f"weight.{version}": weight for version, weight in entry.facts["weights"].items()}
        self._step = self._tracer.start_span(
            f"step {entry.facts['step'] + 1}",
            set_span_in_context(self._run) if self._run else _parent(entry.run),
            attributes={"step": entry.facts["step"] + 1, **weights},
            start_time=_nanoseconds(entry),
        )

    def _end(self, entry: Entry) -> None:
        for span in (self._step, self._run):
            if span:
                span.set_attributes({"outcome": entry.facts.get("outcome", "paused"), "reason": entry.facts["reason"]})
                span.end(_nanoseconds(entry))
        self._step = self._run = None


_TOLD = ("service", "baseline", "canary", "revision")


def wanted(environ: Mapping[str, str] = os.environ) -> str:
    """Where spans go: otlp, console or none, by OpenTelemetry's own variables."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return "none"
    endpoint = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return environ.get("OTEL_TRACES_EXPORTER") or ("otlp" if endpoint else "none")


@contextmanager
def opened(environ: Mapping[str, str] = os.environ) -> Iterator[Spans | None]:
    """Spans that are exported before the block ends; None when nobody wants them."""
    name = wanted(environ)
    if name == "none":
        yield None
        return
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415  # 30 MiB and 0.3 s for few
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: _SERVICE}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
    spans = Spans(provider)
    try:
        yield spans
    finally:
        spans.close()
        provider.shutdown()


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        return ConsoleSpanExporter(out=sys.stderr)  # standard output is for the journal
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter()


def _parent(run: str) -> Any:  # OpenTelemetry's Context, which is not imported for nothing
    """A context that puts whatever is begun in it into the trace of this run."""
    from opentelemetry.trace import (  # noqa: PLC0415
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    digest = hashlib.sha256(run.encode()).digest()
    trace, root = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
    return set_span_in_context(
        NonRecordingSpan(SpanContext(trace, root, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)))
    )


def _nanoseconds(entry: Entry) -> int:
    return int(entry.at * 1e9)
