"""Runs one node: python -m mesh.local.node --config FILE.json. SIGTERM ends it and all its pods."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from mesh.local.node.api_client import open_client
from mesh.local.node.config import InvalidConfig, NodeConfig, load
from mesh.local.node.node import Node

_MISUSE = 2
_INHERITED = ("HOME", "TMPDIR", "TZ", "ARGOSY_CLUSTER", "ARGOSY_PART")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mesh.local.node", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="settings written by `argosy up`")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        config = load(arguments.config)
    except InvalidConfig as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(_MISUSE)
    asyncio.run(_run(config, _image_environment(config, os.environ)))


async def _run(config: NodeConfig, image_environment: Mapping[str, str]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with open_client(config.kubeconfig) as client:
        await Node(config, client, image_environment).run(stopping)


def _image_environment(config: NodeConfig, environ: Mapping[str, str]) -> dict[str, str]:
    """What an image would set for its containers; the ARGOSY_ marks let `argosy down` find what we start."""
    inherited = {name: environ[name] for name in _INHERITED if name in environ}
    path = f"{config.python_bin_dir}:{environ.get('PATH', os.defpath)}"
    return inherited | {"PATH": path, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


if __name__ == "__main__":
    main()
