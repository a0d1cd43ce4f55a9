"""How is kubectl asked? As a program: the one on PATH, else the one that is built, on one cluster."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mesh.chosen_cluster import Cluster
from mesh.local.problems import LocalClusterError
from mesh.local.programs import ensure
from mesh.local.progress import Progress
from mesh.local.settings import Settings

_ENOUGH = 600


class KubectlFailed(LocalClusterError):
    """kubectl did not do what it was asked; the message ends with its words, which `words` holds alone."""

    def __init__(self, arguments: Sequence[str], words: str) -> None:
        said = words.strip()
        # What it is about comes first, and why last; between them may be a whole object.
        self.words = said if len(said) < 2 * _ENOUGH else f"{said[:_ENOUGH]} [...] {said[-_ENOUGH:]}"
        super().__init__(f"kubectl {' '.join(arguments)}: {self.words}")


@dataclass(frozen=True)
class Kubectl:
    """kubectl, speaking to one cluster."""

    program: Path
    cluster: Cluster

    def command(self, *arguments: str) -> list[str]:
        """The command line of kubectl with these arguments."""
        chosen = [f"--context={self.cluster.context}"] if self.cluster.context else []
        return [str(self.program), f"--kubeconfig={self.cluster.kubeconfig}", *chosen, *arguments]

    async def run(self, *arguments: str, given: str = "", within: float = 60.0) -> str:
        """What it prints. Raises KubectlFailed, also after `within` seconds; it is killed when nobody waits for it."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        try:
            async with asyncio.timeout(within):
                out, err = await process.communicate(given.encode())
        except TimeoutError:
            raise KubectlFailed(arguments, f"has not ended within {within:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise KubectlFailed(arguments, err.decode(errors="replace"))
        return out.decode()


def find_kubectl(cluster: Cluster, settings: Settings, progress: Progress) -> Kubectl:
    """Kubectl for this cluster, built when there is none on PATH. Raises BuildFailed."""
    return Kubectl(find_program("kubectl", settings, progress), cluster)


def find_program(name: str, settings: Settings, progress: Progress) -> Path:
    """The program on PATH, else the built one. Raises BuildFailed."""
    found = shutil.which(name, path=os.environ.get("PATH"))
    return Path(found) if found else ensure(settings, {name}, progress).folder / name
