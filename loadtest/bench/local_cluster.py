"""How does a bench start, ask and stop the local cluster? Only through the `argosy` command, as people do."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from lightkube import AsyncClient

from loadtest.bench.row import BenchUnavailable
from mesh.chosen_cluster import KUBECONFIG, Cluster
from mesh.kube_client import opened

CHECKOUT = Path(__file__).parents[2]
ANOTHER_AT_WORK, NOT_RUNNING = 3, 4  # exit codes of `argosy`
STARTS_WITHIN, STOPS_WITHIN, AUDIT_WITHIN = 900.0, 60.0, 150.0  # seconds; a cold build included


class AnotherAtWork(BenchUnavailable):
    """Somebody else starts or stops the cluster just now: it is theirs."""


class LocalCluster:
    """The cluster whose state is in `state`."""

    def __init__(self, state: Path) -> None:
        self.state = state

    async def status(self) -> dict[str, Any] | None:
        """The document of `argosy status --json`, or None when no cluster runs."""
        code, said = await _argosy("status", "--json", within=STOPS_WITHIN)
        if code == NOT_RUNNING:
            return None
        document: dict[str, Any] = json.loads(said)
        return document

    async def up(self) -> float:
        """Start it; the seconds until everything was ready. Raises BenchUnavailable, and leaves nothing behind then."""
        try:
            return await self._timed("up", STARTS_WITHIN)
        except AnotherAtWork:
            raise
        except BaseException:  # also interrupted: half a cluster holds the ports and the memory of a whole one
            await self.down()
            raise

    async def down(self) -> float:
        """Stop it; the seconds until nothing was left. Raises BenchUnavailable."""
        return await self._timed("down", STOPS_WITHIN)

    async def audit(self) -> int:
        """How many discrepancies the auditor finds in the shop's books. Raises BenchUnavailable without a verdict."""
        code, said = await _argosy("audit", "--json", within=AUDIT_WITHIN)
        if code > 1:
            raise BenchUnavailable(f"argosy audit failed with exit code {code}: {said.strip()[-500:]}")
        return len(json.loads(said)["discrepancies"])

    def client(self) -> AbstractAsyncContextManager[AsyncClient]:
        """A client of its API, as the administrator."""
        return opened(Cluster(self.state / "kubeconfig", local=True))

    def sidecars(self) -> dict[str, str]:
        """The admin address of the proxy in every pod the node has a record of, by the pod's name."""
        records = [json.loads(path.read_text()) for path in self.state.glob("pods/*/record.json")]
        proxies = [record for record in records if "istio-proxy" in record["containers"]]
        return {record["name"]: f"{record['pod_ip']}:{record['admin_port']}" for record in proxies}

    async def _timed(self, command: str, within: float) -> float:
        begin = time.monotonic()
        code, said = await _argosy(command, within=within)
        if code:
            failed = AnotherAtWork if code == ANOTHER_AT_WORK else BenchUnavailable
            raise failed(f"argosy {command} failed with exit code {code}: {said.strip()[-500:]}")
        return time.monotonic() - begin


async def _argosy(*arguments: str, within: float) -> tuple[int, str]:
    """Exit code and output of one command. Raises BenchUnavailable when it does not end in time."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mesh", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # What is measured is this machine: the local cluster is meant, whichever KUBECONFIG names.
        env={name: value for name, value in os.environ.items() if name != KUBECONFIG},
    )
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise BenchUnavailable(f"argosy {' '.join(arguments)} did not end within {within:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    code = process.returncode or 0
    return code, out.decode() if code in {0, 1} and out else err.decode()


def local_cluster() -> LocalCluster:
    """The one of this checkout, or of ARGOSY_STATE."""
    return LocalCluster(Path(os.environ.get("ARGOSY_STATE") or CHECKOUT / ".argosy").absolute())


@asynccontextmanager
async def running_cluster(say: Callable[[str], None]) -> AsyncIterator[LocalCluster]:
    """A ready cluster: the one that runs already, else one that is started and stopped here."""
    cluster = local_cluster()
    before = await cluster.status()
    if before is None:
        say("starting the local cluster")
        await cluster.up()
    elif not before["ready"]:
        raise BenchUnavailable(f"the local cluster is not ready: {before['missing']}")
    try:
        yield cluster
    finally:
        if before is None:
            say("stopping the local cluster")
            await cluster.down()
