"""What does a run do next? One step after the other; one that ends early only undoes what it has begun. Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class Step(StrEnum):
    """What a run does, in this order."""

    PREPARE = "preparing"
    CONTROL = "taking the protection away"
    LOAD = "letting customers in"
    STEADY = "measuring the steady state"
    INJECT = "injecting"
    PROVE = "proving that it is injected"
    LAST = "watching"
    REMOVE = "removing"
    RECOVER = "waiting for the recovery"
    UNLOAD = "closing the shop to customers"
    AUDIT = "auditing the books"  # before a protection is given back, which may mend what there is to find
    RESTORE = "restoring what was prepared"


UNDOES = {Step.REMOVE: Step.INJECT, Step.UNLOAD: Step.LOAD, Step.RESTORE: Step.PREPARE}
"""Which step is undone by which; what CONTROL changes is restored with what PREPARE does."""


def next_step(begun: Collection[Step], *, early: bool) -> Step | None:
    """The step after those that have begun; None: the run is over. `early`: it is to end as soon as it can."""
    return next((step for step in Step if step not in begun and (not early or UNDOES.get(step) in begun)), None)
