"""What happened in a run, second by second? Compact enough to keep, whole enough to draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loadtest.report import Report, Sample
from mesh.chaos.observed import Event, Observed, Served, Window
from mesh.chaos.verdict import BadVerdict


@dataclass(frozen=True)
class Second:
    """The calls of one stream that were due in one second. Latencies are milliseconds; None without calls."""

    calls: int
    failed: int
    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class Timeline:
    """A run; all times are seconds since its steady state began, whose wall-clock time is `unix`."""

    unix: float
    injected: float
    removed: float
    ended: float
    streams: Mapping[str, tuple[Second, ...]]
    events: tuple[Event, ...]
    served: Mapping[str, Mapping[str, Served]]
    unreached: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """It as timeline.json has it; `parse` reads it back."""
        return dict(_TIMELINE.dump_python(self, mode="json"))

    @classmethod
    def parse(cls, document: str | bytes) -> Timeline:
        """The timeline that was written. Raises BadVerdict when it is none."""
        try:
            return _TIMELINE.validate_json(document)
        except ValidationError as error:
            raise BadVerdict(f"this is no timeline: {error}") from error


_TIMELINE = TypeAdapter(Timeline)


def timeline(seen: Observed) -> Timeline:
    """The timeline of what was observed."""
    window, began = seen.window, seen.window.steady
    return Timeline(
        unix=window.unix,
        injected=round(window.injected - began, 3),
        removed=round(window.removed - began, 3),
        ended=round(window.ended - began, 3),
        streams={stream: tuple(_seconds(report, window)) for stream, report in seen.streams.items()},
        events=tuple(replace(event, at=round(event.at - began, 3)) for event in seen.events),
        served=seen.served,
        unreached=seen.unreached,
    )


def _seconds(report: Report, window: Window) -> Iterator[Second]:
    """Every second from the steady state to the end, those without calls, too."""
    length = max(1, math.ceil(window.ended - window.steady))
    due: list[list[Sample]] = [[] for _ in range(length)]
    dropped = [0] * length
    for sample in report.between(window.steady, window.steady + length).samples:
        due[int(sample.scheduled - window.steady)].append(sample)
    for at in report.between(window.steady, window.steady + length).dropped:
        dropped[int(at - window.steady)] += 1
    for samples, unsent in zip(due, dropped, strict=True):
        failed = sum(1 for each in samples if each.outcome.failed)
        yield Second(len(samples) + unsent, failed + unsent, p50=_quantile(samples, 0.5), p99=_quantile(samples, 0.99))


def _quantile(samples: Iterable[Sample], q: float) -> float | None:
    found = Report(1.0, tuple(samples))
    return round(1000 * found.quantile(q), 1) if found.samples else None
