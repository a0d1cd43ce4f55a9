"""How does a canary begin? `argosy canary start`."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from lightkube import AsyncClient
from pydantic import ValidationError

from mesh.canary.act.examining import examine
from mesh.canary.act.lease import Lease
from mesh.canary.act.preconditions import Level
from mesh.canary.act.route import ALL, Sticky
from mesh.canary.act.routing import Routing
from mesh.canary.commands.asking import end_with
from mesh.canary.commands.doctor import findings_table
from mesh.canary.commands.ending import exit_code, what_now
from mesh.canary.commands.options import (
    AsLines,
    DryRun,
    From,
    PlanFile,
    Prometheus,
    Service,
    Steal,
    To,
    Unattended,
)
from mesh.canary.commands.rehearsal import changed
from mesh.canary.commands.session import pausing, placed, source_of
from mesh.canary.commands.versions import versions
from mesh.canary.journal.keeping import Journals
from mesh.canary.plan import Gate, Plan, read
from mesh.canary.plan import gate as gate_of
from mesh.canary.problems import REFUSED, Held
from mesh.canary.run.starting import Order
from mesh.canary.run.starting import start as run_start
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.kube_client import opened
from mesh.local.commands.surroundings import page
from mesh.local.settings import CHECKOUT


def start(
    service: Service,
    *,
    from_: From = "",
    to: To = "",
    plan: PlanFile = None,
    gate: Annotated[
        list[str] | None,
        typer.Option("--gate", metavar="manual|cmd:COMMAND", help="What must agree after every step, too; repeatable."),
    ] = None,
    sticky: Annotated[
        str, typer.Option("--sticky", metavar="HEADER=VALUE", help="Requests that carry it always meet the canary.")
    ] = "",
    prometheus: Prometheus = "",
    max_wait: Annotated[
        float | None, typer.Option("--max-wait", min=1, help="Seconds a step may go on without enough evidence.")
    ] = None,
    steal: Steal = "",
    unattended: Unattended = False,
    dry_run: DryRun = False,
    as_lines: AsLines = False,
    context: Context = "",
) -> None:
    """Shift traffic step by step, judge each, and promote or roll back; shows what happens until it is decided.

    Ctrl-C pauses: the weights stay, and `argosy canary resume` or `rollback` goes on from there. When this process is
    killed, the watchdog rolls back.

    \b
    argosy canary start catalog
    argosy canary start payments --to v2 --plan payments-canary.yaml --gate manual
    argosy canary start catalog --gate 'cmd:./smoke-test.sh' --json >catalog.jsonl
    argosy canary start catalog --dry-run

    \b
    Exit codes: 0 promoted, 2 wrong usage, 4 no cluster runs, 10 rolled back, 11 inconclusive or paused,
    20 refused: lock, drift, a precondition or an impossible plan, 30 the tool itself failed.
    """  # noqa: D301
    order = _Wanted(service, from_, to, _planned(plan, gate or [], max_wait), _sticky(sticky), prometheus)
    cluster = meant(context)
    if dry_run:
        end_with(_rehearse(cluster, order))
    end_with(_start(cluster, order, steal, unattended=unattended, as_lines=as_lines))


@dataclass(frozen=True)
class _Wanted:
    """What was typed, understood."""

    service: str
    baseline: str
    canary: str
    plan: Plan
    sticky: str
    prometheus: str


async def _start(cluster: Cluster, wanted: _Wanted, steal: str, *, unattended: bool, as_lines: bool) -> int:
    service = wanted.service
    async with opened(cluster) as client:
        await _vacant(client, service, steal)
        chosen = versions(service, (await Routing(client, service).look()).weights, wanted.baseline, wanted.canary)
        order = Order(
            chosen.baseline,
            chosen.canary,
            wanted.plan,
            command=shlex.join(["argosy", *sys.argv[1:]]),
            revision=_revision(),
            unattended=unattended,
            sticky=wanted.sticky,
        )
        typer.echo(f"{chosen.canary} against {chosen.baseline}: may a canary of {service} start?", err=True)
        async with (
            source_of(cluster, service, (chosen.baseline, chosen.canary), wanted.prometheus) as source,
            placed(cluster, client, service, source, as_lines=as_lines) as place,
        ):
            with pausing(place):
                state = await run_start(place, order, steal=steal)
    typer.echo(what_now(state), err=True)
    return exit_code(state)


async def _vacant(client: AsyncClient, service: str, steal: str) -> None:
    """Raises Held and Refused while a canary of the service is under way: then its weights say nothing."""
    holding = await Lease(client, service).look()
    if holding and not holding.free and not steal:
        raise Held(service, holding.holder)
    await Journals(client, service).vacant()


async def _rehearse(cluster: Cluster, wanted: _Wanted) -> int:
    """Examine everything, and let the API server judge the first two changes."""
    service = wanted.service
    async with opened(cluster) as client:
        routing = Routing(client, service)
        before = await routing.look()
        chosen = versions(service, before.weights, wanted.baseline, wanted.canary)
        async with source_of(cluster, service, (chosen.baseline, chosen.canary), wanted.prometheus) as source:
            found = await examine(client, service, chosen.baseline, chosen.canary, source)
        sticky = Sticky.parse(wanted.sticky) if wanted.sticky else None
        headed = await routing.add_header_rule(before, chosen.canary, sticky, dry_run=True)
        weight = wanted.plan.steps[0].weight
        shifted = await routing.set_weights(
            before, {chosen.baseline: ALL - weight, chosen.canary: weight}, dry_run=True
        )
    typer.echo(changed(before, headed))
    typer.echo(changed(before, shifted))
    page().print(findings_table(found))
    return REFUSED if any(finding.level is Level.REFUSED for finding in found) else 0


def _planned(file: Path | None, gates: Sequence[str], max_wait: float | None) -> Plan:
    """The plan, with what the command line adds to each of its steps. Raises PlanInvalid."""
    plan = read(file) if file else Plan()
    try:
        asked = tuple(Gate.model_validate(gate_of(written)) for written in gates)
    except ValidationError as error:
        raise typer.BadParameter(f"--gate: {error.errors()[0]['msg']}") from error
    changes = {"max_wait": max_wait} if max_wait else {}
    steps = tuple(step.model_copy(update={**changes, "gates": step.gates + asked}) for step in plan.steps)
    return plan.model_copy(update={"steps": steps})


def _sticky(text: str) -> str:
    """HEADER=VALUE, checked; said aloud what it costs."""
    if not text:
        return ""
    try:
        Sticky.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"--sticky: {error}") from error
    typer.echo(
        "who is sticky is always on the canary, above its weight: the versions then serve different people, which the"
        " comparison does not know",
        err=True,
    )
    return text


def _revision() -> str:
    """The git revision of this checkout; empty outside of one."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        asked = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    except OSError:
        return ""  # no git here: an image
    return asked.stdout.strip()
