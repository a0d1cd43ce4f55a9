"""How does a run begin? With the Lease, a watchdog, and everything that must hold before the first percent moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mesh.canary.act.examining import examine
from mesh.canary.act.preconditions import Level
from mesh.canary.act.route import ALL
from mesh.canary.journal.state import State
from mesh.canary.plan import Plan
from mesh.canary.problems import CanaryError, Refused
from mesh.canary.run.health import health
from mesh.canary.run.holding import carried_out, held, new_run
from mesh.canary.run.place import Place
from mesh.canary.run.recorder import Recorder

_LOCK = "lock"  # examine's name for the finding that somebody holds it: we do


@dataclass(frozen=True)
class Order:
    """What an operator wants released, and how."""

    baseline: str
    canary: str
    plan: Plan
    command: str
    """The command line."""
    revision: str
    """The git revision of the tool's checkout."""
    unattended: bool = False
    sticky: str = ""


async def start(place: Place, order: Order, *, steal: str = "") -> State:
    """Begin a run and see it through, until it is promoted, rolled back, paused, or has drifted.

    Raises Held, Refused, and Lost when somebody takes the run over.
    """
    run = new_run()
    async with held(place, place.holder(run), steal):
        facts = await _facts(place, order)
        recorder = await Recorder.begun(place, run, facts)
        return await carried_out(place, recorder, guarded=facts["watchdog"] is not None)


async def _facts(place: Place, order: Order) -> Mapping[str, Any]:
    """What the first entry says, when nothing speaks against it. Raises Refused."""
    await _examined(place, order)
    watchdog = await place.guard()
    _attended(order, watchdog)
    await place.lease.renew()
    pods = await health(place.client, place.service, (order.baseline, order.canary), place.namespace)
    return {
        "service": place.service,
        "baseline": order.baseline,
        "canary": order.canary,
        "weights": {order.baseline: ALL, order.canary: 0},
        "plan": order.plan.model_dump(mode="json"),
        "command": order.command,
        "revision": order.revision,
        "images": dict(pods.images),
        "watchdog": watchdog,
        "unattended": order.unattended,
        "sticky": order.sticky,
    }


async def _examined(place: Place, order: Order) -> None:
    if place.source is None:
        raise CanaryError("a canary is not begun without somebody to measure")
    findings = await examine(
        place.client, place.service, order.baseline, order.canary, place.source, namespace=place.namespace
    )
    refusals = [one for one in findings if one.level is Level.REFUSED and one.what != _LOCK]
    if refusals:
        raise Refused("\n".join(f"{one.what}: {one.says}" for one in refusals))


def _attended(order: Order, watchdog: str | None) -> None:
    highest = max(step.weight for step in order.plan.steps)
    if watchdog is None and highest > order.plan.unattended_max and not order.unattended:
        raise Refused(
            f"no watchdog is on duty, and the plan goes up to {highest} %, above the {order.plan.unattended_max} % that"
            " may be unattended: start one (k8s/components/canary-watchdog), or say --unattended"
        )
