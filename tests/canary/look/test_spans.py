from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.look.spans import Spans, wanted
from tests.canary.look.story import BEGAN, Story, promoted


def recorded(*lives: list[Entry]) -> list[ReadableSpan]:
    """The spans of processes that heard these entries, one process after the other."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for entries in lives:
        spans = Spans(provider)
        for entry in entries:
            spans.heard(entry)
        spans.close()
    return list(kept.get_finished_spans())


def test_a_run_is_a_span_and_each_step_one_within_it() -> None:
    *steps, run = recorded(promoted().entries)
    assert [span.name for span in (*steps, run)] == ["step 1", "step 2", "canary"]
    assert run.context
    assert all(step.parent and step.parent.span_id == run.context.span_id for step in steps)
    assert run.start_time == BEGAN * 1e9
    facts = run.attributes or {}
    assert (facts["service"], facts["canary"], facts["outcome"]) == ("catalog", "v2", "promoted")
    first = steps[0].attributes or {}
    assert (first["step"], first["weight.v2"], first["outcome"]) == (1, 5, "better-or-equal")


def test_a_run_that_goes_on_in_another_process_stays_in_its_trace() -> None:
    entries = Story().started().shifted(0, 5).add(Kind.PAUSED, reason="lunch").add(Kind.RESUMED, reason="").entries
    spans = recorded(entries[:-1], entries[-1:])
    assert [span.name for span in spans] == ["step 1", "canary", "canary"]
    assert len({span.context.trace_id for span in spans if span.context}) == 1
    assert (
        len(
            {
                span.context.trace_id
                for span in recorded(Story(run="another").started().entries, entries)
                if span.context
            }
        )
        == 2
    )


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "none"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, "none"),
    ],
)
def test_spans_are_made_when_opentelemetrys_variables_ask_for_them(environ: dict[str, str], name: str) -> None:
    assert wanted(environ) == name
