"""How is something done to a run by hand? It is asked of who has it in hand; when nobody has, it is done here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import typer

from mesh.canary.act.lease import Lease
from mesh.canary.act.route import ALL
from mesh.canary.act.routing import Routing
from mesh.canary.commands.ending import exit_code, what_now
from mesh.canary.commands.rehearsal import changed
from mesh.canary.commands.session import placed
from mesh.canary.journal.keeping import Journals
from mesh.canary.journal.state import State, Wish
from mesh.canary.look.following import latest
from mesh.canary.run.place import Place
from mesh.canary.run.requests import obey
from mesh.chosen_cluster import Cluster
from mesh.kube_client import opened

Deed = Callable[[Place], Awaitable[State]]


def asking(wish: Wish, reason: str) -> Deed:
    """The deed that asks for `wish`."""
    return lambda place: obey(place, wish, reason)


async def do(cluster: Cluster, service: str, deed: Deed, *, as_lines: bool) -> int:
    """Do it, show what happens, and return the exit code. Raises NoRun, Refused, CanaryError."""
    async with opened(cluster) as client:
        past = (await latest(Journals(client, service))).entries
        async with placed(cluster, client, service, past=past, as_lines=as_lines) as place:
            state = await deed(place)
    typer.echo(what_now(state), err=True)
    return exit_code(state)


async def rehearse(cluster: Cluster, service: str, wish: Wish) -> int:
    """Say who would do it, and print what the API server says would change; nothing does. Raises NoRun."""
    async with opened(cluster) as client:
        state = (await latest(Journals(client, service))).state
        holding = await Lease(client, service).look()
        who = "here" if holding is None or holding.free else f"by {holding.holder}"
        typer.echo(
            f"run {state.run} of {service} is {state.outcome or state.phase}; {wish} would be done {who}", err=True
        )
        routing = Routing(client, service)
        before = after = await routing.look()
        if wish is Wish.ROLL_BACK:
            after = await routing.set_back(state.baseline, dry_run=True)
        elif wish is Wish.PROMOTE:
            after = await routing.set_weights(before, {state.canary: ALL}, dry_run=True)
        typer.echo(changed(before, after))
    return 0
