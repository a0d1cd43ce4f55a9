"""What if a bad version is released? `argosy canary start` gives it traffic, and has to take it away again."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

from mesh.canary.act.route import ALL, spelled
from mesh.canary.act.routing import Routing
from mesh.canary.journal.entry import Kind
from mesh.canary.journal.keeping import Journals, Kept
from mesh.canary.journal.state import Phase
from mesh.canary.problems import ROLLED_BACK
from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.replicas.deployed import missing
from mesh.chaos.faults.replicas.unjudged_canary import plan_for
from mesh.chaos.problems import ChaosError, NotInjected
from mesh.chaos.site import Site
from mesh.chosen_cluster import KUBECONFIG
from mesh.running_shop import POLL

SHIFTED_WITHIN = 30.0  # its preconditions are examined first
_LAST_WORDS = 500


@dataclass(frozen=True)
class BadCanary:
    """A canary of `service` from one version to the next; the next has to be bad by its own settings."""

    kind: ClassVar[str] = "bad-canary"
    lasting: ClassVar[bool] = False
    """Who judges it ends it, not we."""

    service: str
    baseline: str = "v1"
    canary: str = "v2"

    async def impossible(self, site: Site) -> str:
        return await missing(site, f"{self.service}-{self.baseline}", f"{self.service}-{self.canary}")

    async def plan(self, site: Site) -> Memory:
        return {"runs": await Journals(site.client, self.service).runs()}

    async def inject(self, site: Site, memory: Memory) -> None:
        """Returns when the canary has its first share of the traffic, the release going on."""
        weights = (await Routing(site.client, self.service).look()).weights
        if weights.get(self.baseline) != ALL:
            raise NotInjected(f"{self.service} is at {spelled(weights)}: a canary of it is under way or was left")
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
            plan = _written(Path(folder, "plan.yaml"), await plan_for(site, self.service))
            release = ["start", self.service, "--from", self.baseline, "--to", self.canary]
            process = await _canary(site, *release, "--plan", str(plan), "--unattended", says=said.fileno())
            with _ended_unless_awaited(process):
                async with asyncio.timeout(SHIFTED_WITHIN):
                    while not await self._shifted(site, memory):
                        if process.returncode is not None:
                            raise NotInjected(f"the canary ended with exit code {process.returncode}: {_words(said)}")
                        await asyncio.sleep(POLL)

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """By the run's journal, and by the route as it stands."""
        shifted = await self._shifted(site, memory)
        weights = spelled((await Routing(site.client, self.service).look()).weights)
        return Proof(shifted, f"the canary has {'' if shifted else 'not '}had traffic; {self.service} is at {weights}")

    async def remove(self, site: Site, memory: Memory) -> None:
        """Roll back, unless that has been done."""
        kept = await self._ours(site, memory)
        if kept is None or kept.state.phase is Phase.ENDED:
            return
        reason = f"the end of chaos experiment {site.run}"
        with tempfile.TemporaryFile() as said:
            process = await _canary(site, "rollback", self.service, "--now", "--reason", reason, says=said.fileno())
            if (code := await process.wait()) != ROLLED_BACK:
                raise ChaosError(f"the canary of {self.service} is not rolled back, exit code {code}: {_words(said)}")

    async def _shifted(self, site: Site, memory: Memory) -> bool:
        kept = await self._ours(site, memory)
        entries = kept.entries if kept else ()
        applied = (entry.facts["weights"] for entry in entries if entry.kind is Kind.APPLIED)
        return any(weights.get(self.canary) for weights in applied)

    async def _ours(self, site: Site, memory: Memory) -> Kept | None:
        """The journal of the run that `inject` began; None: it has not, or somebody has begun another since."""
        kept = await Journals(site.client, self.service).read()
        return None if kept is None or kept.state.run in memory["runs"] else kept


async def _canary(site: Site, *arguments: str, says: int) -> asyncio.subprocess.Process:
    """`argosy canary ...` on the site's cluster; a Ctrl-C that ends us does not pause it."""
    cluster = site.cluster
    context = ["--context", cluster.context] if cluster.context else []
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mesh", "canary", *arguments, *context),
        env=os.environ | {KUBECONFIG: str(cluster.kubeconfig)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=says,
        stderr=says,
        start_new_session=True,
    )


@contextmanager
def _ended_unless_awaited(process: asyncio.subprocess.Process) -> Iterator[None]:
    """A release whose begin is not waited for must not begin later, when all has been undone."""
    try:
        yield
    except BaseException:
        with suppress(ProcessLookupError):  # it has ended already
            process.kill()
        raise


def _written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def _words(said: IO[bytes]) -> str:
    """The last of them."""
    said.seek(0)
    return said.read().decode(errors="replace").strip()[-_LAST_WORDS:]
