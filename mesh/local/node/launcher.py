"""Starts one program that dies with its parent. Run as a script: launcher.py PARENT PROGRAM ARGUMENT...

PARENT is the expected parent's process id, or `-` for whoever it is. The program takes this process's place and
keeps its id. Linux sends SIGKILL when the parent's thread that started us ends (prctl(2), PR_SET_PDEATHSIG); a
program's own children do not inherit that, so Envoy, which pilot-agent starts, is wrapped once more.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
NO_LONGER_WANTED = 127


def main(arguments: list[str]) -> None:
    parent = os.getppid() if arguments[0] == "-" else int(arguments[0])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it died before prctl could tell us
        sys.exit(NO_LONGER_WANTED)
    os.execv(arguments[1], arguments[1:])  # noqa: S606 - the program to run is what the node asked for


if __name__ == "__main__":
    main(sys.argv[1:])
