"""Who takes over when the supervisor is killed? This process: it waits for that, and then becomes the next supervisor.

    python -m mesh.local.standby STATE PID STARTED DEATHS      pid and start of the supervisor, its deaths in a row

Each guards the other: the supervisor starts its standby again like any part, and the standby takes its place. Becoming
(exec) instead of starting leaves no moment with two at work, and none in which a third process would be needed. When
both are killed at once nobody is left to begin anything, and the kernel ends the parts with their supervisor. One that
was told to end has ended its standby first; and whoever withdraws the plan ends the succession.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from mesh.local.backoff import Backoff
from mesh.local.belongings import STANDBY, SUPERVISOR, marks
from mesh.local.part import Part
from mesh.local.process_identity import ProcessId
from mesh.local.state_folder import StateFolder


def standby_of(supervisor: ProcessId, folder: StateFolder, deaths: int, environ: Mapping[str, str]) -> Part:
    """The part that `supervisor`, after so many deaths in a row, keeps running in case it is killed itself."""
    facts = (folder.root, supervisor.pid, supervisor.started, deaths)
    return Part(
        name=STANDBY,
        argv=(sys.executable, "-m", "mesh.local.standby", *map(str, facts)),
        env={**environ, **marks(folder.root, STANDBY)},
        cwd=str(Path.cwd()),
        log=str(folder.supervisor_log),
        stop_rank=-1,  # before all others: a supervisor that is killed while it stops has no successor
        outlives=True,
    )


def take_over(folder: StateFolder, supervisor: ProcessId, deaths: int, environ: Mapping[str, str]) -> NoReturn:
    """Wait until `supervisor` has ended, then become the next one, later and later when they die young.

    When the plan is gone nobody is needed any more.
    """
    supervisor.wait()
    backoff = Backoff(deaths).died(supervisor.age())
    time.sleep(backoff.pause())
    if not folder.plan.exists():
        sys.exit()
    sys.stderr.write(f"{time.strftime('%F %T')} supervisor {supervisor.pid} was killed; its standby is the next\n")
    sys.stderr.flush()
    argv = [sys.executable, "-m", "mesh.local.supervisor", str(folder.plan), str(backoff.deaths_in_a_row)]
    os.execve(sys.executable, argv, {**environ, **marks(folder.root, SUPERVISOR)})  # noqa: S606  (no shell is the point)


if __name__ == "__main__":
    pid, started, deaths_so_far = map(int, sys.argv[2:])
    take_over(StateFolder(Path(sys.argv[1])), ProcessId(pid, started), deaths_so_far, os.environ)
