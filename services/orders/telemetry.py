"""Which numbers tell how orders fare?

argosy_saga_steps_total{step, result}      single steps, recovery's included
argosy_orders_ended_total{state, reason}   orders that became CONFIRMED, FAILED or CANCELLED
argosy_orders_recovered_total              orders taken over from a process that left them

Counted where orders are driven (driving.py, recovery.py), by whichever replica drives them.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from services.orders.saga import Result, Step


class SagaMetrics:
    """The counters, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._steps = Counter("argosy_saga_steps", "Single steps", ["step", "result"], registry=registry)
        self._ended = Counter("argosy_orders_ended", "Orders that ended", ["state", "reason"], registry=registry)
        self._recovered = Counter("argosy_orders_recovered", "Orders taken over", registry=registry)

    def step(self, step: Step, result: Result) -> None:
        self._steps.labels(step.value, result.value).inc()

    def ended(self, state: str, reason: str) -> None:
        self._ended.labels(state, reason).inc()

    def recovered(self) -> None:
        self._recovered.inc()
