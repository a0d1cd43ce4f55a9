"""A run to judge and to look at: five good seconds, ten with a fault, five after it; calls as the test wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from grpc import StatusCode

from loadtest.outcome import Kind, Outcome
from loadtest.report import Report, Sample
from mesh.chaos.experiment import Experiment
from mesh.chaos.experiment_file import parse
from mesh.chaos.observed import Event, Happened, Observed, Served, Window

BEGAN = 1000.0  # of some monotonic clock
WINDOW = Window(steady=BEGAN, injected=BEGAN + 5, removed=BEGAN + 15, ended=BEGAN + 20, unix=1_764_000_000.0)

FILE = """
title: Are orders taken while payments is slow?
description: Every charge takes two seconds longer.
tags: [payments]
steady-state-hypothesis:
  title: Orders are answered
  probes:
  - type: probe
    name: orders-are-answered
    tolerance: [0.99, 1.0]
    provider: {type: python, module: mesh.chaos.toolkit, func: answered, arguments: {stream: orders, seconds: 3}}
method:
- type: action
  name: payments-gets-slow
  provider:
    type: python
    module: mesh.chaos.toolkit
    func: inject
    arguments: {fault: server-slow, arguments: {app: payments, seconds: 2}}
rollbacks:
- type: action
  name: payments-is-quick-again
  provider:
    type: python
    module: mesh.chaos.toolkit
    func: remove
    arguments: {fault: server-slow, arguments: {app: payments, seconds: 2}}
extensions:
- name: argosy
  targets: [payments]
  load: {orders: 8, browsing: 0, pages: 0}
  hypothesis:
  - {metric: orders.failed_share, at_most: 0.5}
  - {metric: orders.p99_ms, phase: fault, at_most: 500}
  - {metric: recovery_seconds, at_most: 3}
  control:
    without: breakers and bulkheads
    changes: [{fault: unprotected, arguments: {app: true}}]
  failure_mode:
    dependency: payments
    failure: charges take 2 s longer
    seen: the order is refused at once, with the cart kept
    fallback: none
    recovery: by itself, when a breaker's trial call succeeds
"""

OK = Outcome(StatusCode.OK, Kind.OK)
GONE = Outcome(StatusCode.UNAVAILABLE, Kind.UNAVAILABLE)
DEGRADED = Outcome(StatusCode.OK, Kind.OK, degraded="recommendations")


@cache
def experiment(text: str = FILE, name: str = "payments-slow") -> Experiment:
    """The experiment of the story."""
    return parse(text, name)


def calls(
    outcome: Callable[[float], Outcome] = lambda _: OK,
    *,
    rate: float = 8.0,
    latency: Callable[[float], float] = lambda _: 0.01,
    seconds: float = 20.0,
    late: float = 0.0,
) -> Report:
    """Calls from the beginning on; outcome and latency by the second in which each was due."""
    samples = []
    for number in range(round(rate * seconds)):
        at = number / rate
        due = BEGAN + at
        samples.append(Sample(number, due, due + late, due + latency(at), outcome(at)))
    return Report(rate, tuple(samples))


def failing(start: float, end: float) -> Callable[[float], Outcome]:
    """Calls that fail when they are due between these seconds."""
    return lambda at: GONE if start <= at < end else OK


def seen(
    orders: Report | None = None,
    *,
    events: Sequence[Event] = (),
    served: Mapping[str, Mapping[str, Served]] | None = None,
    window: Window = WINDOW,
) -> Observed:
    """What was observed of it."""
    return Observed(window, {"orders": orders or calls()}, tuple(events), served or {})


def event(at: float, kind: Happened, subject: str = "", detail: str = "", **facts: object) -> Event:
    """Something that happened in this second of the run."""
    return Event(BEGAN + at, kind, subject, detail, facts)


def counted(
    started: float, *, failed: float = 0.0, late: float = 0.0, p99: float = 0.01, rejected: float = 0.0
) -> Served:
    """What servers counted; `late` of the failed were not done in time."""
    ends = {"UNAVAILABLE": failed - late, "DEADLINE_EXCEEDED": late, "FAILED_PRECONDITION": 0.0}
    statuses = {"OK": started - failed, **ends}
    return Served(started, statuses, rejected, p99)
