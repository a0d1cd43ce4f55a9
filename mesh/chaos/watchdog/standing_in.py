"""How is undone what a dead runner has begun? As `argosy chaos clean` does it, under the run's own Leases."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import httpx2
from lightkube import ApiError
from rich.console import Console

from mesh.canary.act.holder import operator
from mesh.chaos.experiment_file import read
from mesh.chaos.judging import Evidence, judge
from mesh.chaos.look.files import write
from mesh.chaos.problems import Refused
from mesh.chaos.run.cleaning import clean_up
from mesh.chaos.run.locks import held
from mesh.chaos.run.place import Run
from mesh.chaos.run.stage import staged
from mesh.chaos.run.undoing import undo
from mesh.chaos.site import Site
from mesh.chaos.undo import UndoLog
from mesh.chaos.watchdog.vigil import OVER, Ended
from mesh.local.progress import ConsoleProgress

AGAIN_AFTER = 2.0
GIVES_UP_AFTER = 900.0

log = logging.getLogger(__name__)


async def stand_in(run: Run, folder: Path, how: Ended) -> None:
    """Undo the run, and write its verdict: ABORTED, or LEAKED when something is left."""
    told = ConsoleProgress(Console(stderr=True))
    async with staged(run.cluster, run.name, told, log.info, customers=False) as site:
        leftovers = await _cleaned(site, run, UndoLog(site.client, folder, run.name, run.namespace))
    experiment = read(Path(run.file))
    evidence = Evidence(leftovers=leftovers, aborted=f"{how.value}; its watchdog has undone it")
    verdict = judge(experiment, evidence, run=run.name, control=run.control, protection=run.protection)
    write(folder, experiment, None, verdict)
    (folder / OVER).touch()
    log.info("%s: %s", run.name, verdict.outcome)


async def _cleaned(site: Site, run: Run, planned: UndoLog) -> tuple[str, ...]:
    """Nothing of it is left, but what is returned."""
    until = time.monotonic() + GIVES_UP_AFTER
    while time.monotonic() < until:
        try:
            async with held(site.client, run.targets, f"{operator()} chaos {run.name}", run.namespace):
                return await clean_up(site, planned.left(), planned.undone)
        except Refused as refused:
            log.info("%s", refused)  # somebody is cleaning already, perhaps
        except (ApiError, httpx2.HTTPError) as error:
            # An API server that is away may be what the run has done: then only undoing brings it back.
            log.info("the Leases cannot be had: %s", error)
            await undo(site, planned.left(), planned.undone)
        await asyncio.sleep(AGAIN_AFTER)
    return tuple(f"{one.change.fault} is not undone" for one in planned.left()) or ("what it has made in the cluster",)
