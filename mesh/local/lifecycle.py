"""How does a cluster begin and end? The supervisor's birth and death, and the removal of every trace."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mesh.local.addresses import Addresses, addresses_of
from mesh.local.belongings import SUPERVISOR, kill_belongings, marks
from mesh.local.file_lock import Held, hold
from mesh.local.ports import takers
from mesh.local.prepare import prepare
from mesh.local.problems import AnotherAtWork, LocalClusterError, PortTaken
from mesh.local.process_identity import identify
from mesh.local.programs import Programs
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder, write_private
from mesh.local.supervisor_state import read_supervisor_state

STOPS_WITHIN = 10.0
"""Seconds: the sum of what the parts may take one after another, and a little."""
STARTS_WITHIN = 30.0
"""Seconds until a new supervisor has written its state: long, because everything else may start meanwhile."""
DIES_WITHIN = 5.0
_LOOK_EVERY = 0.02


class WillNotDie(LocalClusterError):
    """Processes survive SIGKILL; the kernel holds them."""


@contextmanager
def at_work(folder: StateFolder, command: str) -> Iterator[None]:
    """Be the only command that changes this cluster. Raises AnotherAtWork."""
    try:
        with hold(folder.lock, f"`argosy {command}`"):
            yield
    except Held as held:
        raise AnotherAtWork(held.holder) from None


def interrupt_up(folder: StateFolder, holder: str) -> None:
    """Let the `argosy up` that `holder` describes clean up and end, as Ctrl-C would. Nobody else is touched."""
    described = re.fullmatch(r"`argosy up` \(pid (\d+)\)", holder)
    process = identify(int(described[1])) if described else None
    # Read again now that we know the process: while it holds the lock, the pid in it is nobody else's.
    if process and folder.lock.read_text(encoding="utf-8").strip() == holder:
        process.send(signal.SIGTERM)


def start(settings: Settings, programs: Programs, environ: Mapping[str, str]) -> None:
    """Begin a fresh cluster: its supervisor runs when this returns, its parts are starting.

    Raises PortTaken before anything is started.
    """
    folder, addresses = StateFolder(settings.state), addresses_of(settings.instance)
    remove_remains(folder)
    _check_ports(addresses)
    made = prepare(
        folder,
        addresses,
        programs=programs.folder,
        crds=programs.crds,
        python=Path(sys.executable),
        checkout=settings.checkout,
        environ=environ,
    )
    write_private(folder.instance, f"{settings.instance}\n")
    with folder.supervisor_log.open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "mesh.local.supervisor", str(folder.plan)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=settings.checkout,
            env={**made.inherited, **marks(folder.root, SUPERVISOR)},
            start_new_session=True,
        )
    _until(lambda: folder.supervisor_state.exists() or supervisor.poll() is not None, STARTS_WITHIN)
    if supervisor.poll() is not None:
        raise LocalClusterError(f"the supervisor ended at once; see {folder.supervisor_log}")
    # It outlives us, so there is nobody to wait for it; Popen would warn about that.
    supervisor.returncode = 0


def stop(folder: StateFolder) -> None:
    """End the cluster whatever its condition: in order when its supervisor lives, by force otherwise."""
    supervisor = read_supervisor_state(folder.supervisor_state)
    if supervisor and supervisor.process.send(signal.SIGTERM):
        _until(lambda: not supervisor.process.alive(), STOPS_WITHIN)
    remove_remains(folder)


def remove_remains(folder: StateFolder) -> None:
    """Kill every process of the cluster and remove every file that ends with it. Raises WillNotDie."""
    folder.plan.unlink(missing_ok=True)  # first: a supervisor killed without its plan has no successor
    left = kill_belongings(folder.root)
    until = time.monotonic() + DIES_WITHIN
    while left and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
        left = kill_belongings(folder.root)
    if left:
        raise WillNotDie(f"cannot end pids {sorted(process.pid for process in left)}")
    for path in folder.ended_with_the_cluster():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _check_ports(addresses: Addresses) -> None:
    taken = takers(addresses.ports().values())
    if taken:
        raise PortTaken(taken)


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_EVERY)
    return True
