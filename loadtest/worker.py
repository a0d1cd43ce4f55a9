"""How does a Locust worker join a run on another machine? `python -m loadtest.worker HOST`, as its pods do."""

import os
import sys

from loadtest.processes import MASTER_PORT, worker


def main() -> None:
    """Become a worker of the master on HOST: wait for it, do its part, report, end. A kubelet starts the next one."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and HOST
        sys.exit("usage: python -m loadtest.worker HOST")
    command = worker(sys.argv[1], MASTER_PORT)
    os.execv(command[0], command)  # noqa: S606 - signals are Locust's to hear


if __name__ == "__main__":
    main()
