"""Watch canaries, and roll back those whose runner has died.

python -m mesh.canary.watchdog            every service, in a pod, as its ServiceAccount
python -m mesh.canary.watchdog SERVICE    one service of the cluster that is meant, until its run is over
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress

from lightkube import AsyncClient, KubeConfig

from mesh.canary.journal.disk import folder_of
from mesh.canary.watchdog.presence import ALL, signature
from mesh.canary.watchdog.watching import Watchdog
from mesh.chosen_cluster import NAMESPACE, meant
from mesh.kube_client import opened
from mesh.local.commands.surroundings import end_like_ctrl_c


async def _watch_all() -> None:
    client = AsyncClient(KubeConfig.from_service_account(), namespace=NAMESPACE, trust_env=False)
    try:
        await Watchdog(client, ALL, signature()).watch()
    finally:
        await client.close()


async def _watch(service: str) -> None:
    cluster = meant()
    async with opened(cluster) as client:
        await Watchdog(client, service, signature(), folder_of(cluster, service, os.environ)).watch()


def main(arguments: list[str]) -> None:
    """Watch until told to end, or until the service's run is over."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request
    end_like_ctrl_c()
    with suppress(KeyboardInterrupt):
        asyncio.run(_watch(arguments[0]) if arguments else _watch_all())


if __name__ == "__main__":
    main(sys.argv[1:])
