"""Watch one run, and undo it when its runner dies or its time is over.

python -m mesh.chaos.watchdog FOLDER    of the run
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from mesh.chaos.run.place import Run
from mesh.chaos.watchdog.vigil import Ended, watch

log = logging.getLogger(__name__)


def main(folder: Path) -> None:
    """Watch until the run is over; when it cannot undo itself, undo it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request
    run = Run.read(folder)
    how = watch(run, folder)
    log.info("%s: %s", run.name, how.value)
    if how is not Ended.WELL:
        from mesh.chaos.watchdog.standing_in import stand_in  # noqa: PLC0415  # watches 40 MB lighter without

        asyncio.run(stand_in(run, folder, how))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
