"""Small programs that stand for the parts of a cluster: they note what happens to them in one shared file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh.local.belongings import SUPERVISOR, belonging_to, kill_belongings, marks
from mesh.local.part import Part, Plan, Probe, dump_plan
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import PartState, SupervisorState, read_supervisor_state

PATIENCE = 30.0

# Notes its start; on SIGTERM notes its end and goes, unless it is stubborn. With `child` it has a descendant in a
# session of its own, as a pod's sidecar has, which nothing but its mark connects with the cluster.
PROGRAM = """
import os, signal, subprocess, sys
name, journal, *manners = sys.argv[1:]
def note(what):
    with open(journal, "a") as file:
        file.write(f"{what} {name}\\n")
def end(*_):
    note("ended")
    if "stubborn" not in manners:
        os._exit(0)
signal.signal(signal.SIGTERM, end)
if "child" in manners:
    subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
note("started")
if "dies" in manners:
    os._exit(3)
if "task" in manners:
    os._exit(0)
while True:
    signal.pause()
"""


class ScriptedCluster:
    """A plan of scripted parts in its own state folder, and a real supervisor for it."""

    def __init__(self, root: Path) -> None:
        self.folder = StateFolder(root)
        self.journal = root / "journal"
        self.journal.touch()
        self._parts: list[Part] = []

    def add(
        self,
        name: str,
        *manners: str,
        starts_after: tuple[str, ...] = (),
        stop_rank: int = 0,
        stop_grace: float = PATIENCE,
        once: bool = False,
    ) -> None:
        self._parts.append(
            Part(
                name=name,
                argv=(sys.executable, "-c", PROGRAM, name, str(self.journal), *manners),
                env={"PATH": os.environ["PATH"], **marks(self.folder.root, name)},
                cwd=str(self.folder.root),
                log=str(self.folder.root / f"{name}.log"),
                starts_after=starts_after,
                stop_rank=stop_rank,
                stop_grace=stop_grace,
                once=once,
            )
        )

    def add_server(self, name: str, port: int) -> None:
        """A part that answers at this port of the loopback."""
        self._parts.append(
            Part(
                name=name,
                argv=(sys.executable, "-m", "http.server", "--bind=127.0.0.1", str(port)),
                env={"PATH": os.environ["PATH"], **marks(self.folder.root, name)},
                cwd=str(self.folder.root),
                log=str(self.folder.root / f"{name}.log"),
                probe=Probe(f"http://127.0.0.1:{port}/"),
            )
        )

    @contextmanager
    def supervised(self) -> Iterator[subprocess.Popen[bytes]]:
        """The supervisor's process; whatever a test leaves is killed after it."""
        for made in (self.folder.supervisor, self.folder.logs):
            made.mkdir(parents=True, exist_ok=True)
        plan = Plan(str(self.folder.root), str(self.folder.supervisor_state), tuple(self._parts))
        self.folder.plan.write_text(dump_plan(plan))
        process = subprocess.Popen(
            [sys.executable, "-m", "mesh.local.supervisor", str(self.folder.plan)],
            env={"PATH": os.environ["PATH"], **marks(self.folder.root, SUPERVISOR)},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            while kill_belongings(self.folder.root):
                time.sleep(0.01)
            process.wait()

    def state(self) -> SupervisorState:
        eventually(lambda: read_supervisor_state(self.folder.supervisor_state) is not None)
        state = read_supervisor_state(self.folder.supervisor_state)
        assert state is not None
        return state

    def part(self, name: str) -> PartState:
        return self.state().parts[name]

    def ready(self) -> bool:
        return all(part.works for part in self.state().parts.values())

    def notes(self) -> list[str]:
        return self.journal.read_text().splitlines()

    def processes(self) -> int:
        return len(belonging_to(self.folder.root))


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds; fail when it does not for half a minute."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def kill(process: PartState) -> None:
    assert process.process is not None
    assert process.process.send(signal.SIGKILL)
