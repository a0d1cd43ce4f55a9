"""How does the Chaos Toolkit run our experiments? By these three functions, which the files name.

    PYTHONPATH=. chaos run mesh/chaos/experiments/payments-slow.yaml --rollback-strategy always

What is injected is written down as in a run of ours, so `remove` finds it, and `argosy chaos clean` when nobody called
that. But what an experiment prepares is not made, nobody watches a `chaos run` that dies, no Lease keeps a canary away,
and the hypothesis in the extensions is not judged: for all that there is `argosy chaos run`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mesh.chaos.commands.asking import allowed
from mesh.chaos.experiment import Change, Load, Stream
from mesh.chaos.metrics import CLEAN_SECONDS, answered_share
from mesh.chaos.observe.observing import observing
from mesh.chaos.problems import ChaosError, NotInjected
from mesh.chaos.run.injuring import inject as write_and_inject
from mesh.chaos.run.place import folder_of
from mesh.chaos.run.proving import proof_of
from mesh.chaos.run.stage import staged
from mesh.chaos.run.undoing import undo
from mesh.chaos.site import Site
from mesh.chaos.undo import UndoLog
from mesh.chosen_cluster import meant
from mesh.local.commands.surroundings import progress
from mesh.local.state_folder import make_private


def inject(fault: str, arguments: Mapping[str, Any] | None = None) -> str:
    """Make a fault and prove it: what was seen. Raises NotInjected, Refused, BadExperiment."""
    return asyncio.run(_with_site(_put_in_under_load, Change(fault=fault, arguments=arguments or {})))


def remove(fault: str, arguments: Mapping[str, Any] | None = None) -> str:
    """Undo that fault, as it was written down: what was seen. Raises ChaosError when it is still there."""
    return asyncio.run(_with_site(take_out, Change(fault=fault, arguments=arguments or {})))


def answered(stream: Stream, seconds: float = 3.0) -> float:
    """The share of a stream's calls that are answered, or refused as deserved, for so many seconds."""
    return asyncio.run(_answered(stream, seconds))


async def _put_in_under_load(site: Site, log: UndoLog, change: Change) -> str:
    """Make the change while customers come: that a call has met it is what proves some faults."""
    async with observing(site, Load()):
        return await put_in(site, log, change)


async def put_in(site: Site, log: UndoLog, change: Change) -> str:
    """Make the change, unless it is there already: what was before would be forgotten."""
    if log.left():
        raise NotInjected(f"{change.fault} was injected before and is not removed; `argosy chaos clean` removes it")
    fault, planned = await write_and_inject(site, log, change)
    proof = await proof_of(fault, site, planned.memory, present=True)
    if not proof.present:
        raise NotInjected(f"nothing proves that it was injected: {proof.detail}")
    return proof.detail


async def take_out(site: Site, log: UndoLog, change: Change) -> str:
    """Undo what the log has; a change that was never made is undone."""
    undone = await undo(site, log.left(), log.undone)
    if leftovers := [one.leftover for one in undone if one.leftover]:
        raise ChaosError("; ".join(leftovers))
    await log.close()
    return "; ".join(one.gone.detail for one in undone if one.gone) or f"no {change.fault} is left"


def run_of(change: Change) -> str:
    """What a change is called in undo logs and labels: the same in every process, another one for every change."""
    digest = hashlib.sha256(json.dumps(change.model_dump(mode="json"), sort_keys=True).encode())
    return f"toolkit-{change.fault}-{digest.hexdigest()[:8]}"


async def _with_site(work: Callable[[Site, UndoLog, Change], Awaitable[str]], change: Change) -> str:
    async with _site(run_of(change)) as site:
        folder = make_private(folder_of(site.cluster) / site.run)
        return await work(site, UndoLog(site.client, folder, site.run, site.shop.namespace), change)


async def _answered(stream: Stream, seconds: float) -> float:
    nothing = Load(orders=0, browsing=0, pages=0)
    load = nothing.model_copy(update={stream: getattr(Load(), stream)})
    async with _site("toolkit") as site, observing(site, load) as observer:
        await asyncio.sleep(seconds + CLEAN_SECONDS)  # the last calls may take a while
        found = answered_share(observer.recent(stream, seconds))
    if found.value is None:
        raise ChaosError(f"there were no calls of {stream}")
    return found.value


@asynccontextmanager
async def _site(run: str) -> AsyncIterator[Site]:
    cluster = meant()
    await allowed(cluster)
    with progress() as told:
        async with staged(cluster, run, told, told.now) as site:
            yield site
