"""A real Prometheus server that scrapes what a test names; built once per version, like the cluster's programs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from rich.console import Console

from loadtest.processes import free_port
from mesh.canary.measure.scraping import PORT, STATISTICS
from mesh.local.build import Recipe
from mesh.local.node import launcher
from mesh.local.programs import ProgramSet
from mesh.local.progress import ConsoleProgress
from mesh.local.settings import read_settings

NAME = "prometheus"
PROGRAMS = ProgramSet(
    Path(__file__).parent / "programs",
    {NAME: "github.com/prometheus/prometheus/cmd/prometheus"},
    Recipe(tags="remove_all_sd", linker_flags="-s -w"),  # without the clouds whose machines it could look for
)
EVERY = "250ms"
READY_WITHIN = 60.0


def program() -> Path:
    """Prometheus itself, after building it when it is not there yet: two or three minutes. Raises BuildFailed."""
    with ConsoleProgress(Console(stderr=True)) as progress:
        return PROGRAMS.ensure(read_settings(os.environ), progress) / NAME


@asynccontextmanager
async def scraping(server: Path, addresses: Mapping[str, str], folder: Path) -> AsyncIterator[str]:
    """A server that scrapes the sidecars of these pods (name -> address); its address while the block runs."""
    targets = [
        {"targets": [f"{address}:{PORT}"], "labels": {"pod": pod, "namespace": "shop"}}
        for pod, address in addresses.items()
    ]
    envoy = {"job_name": "envoy", "metrics_path": STATISTICS, "static_configs": targets}
    config = {"global": {"scrape_interval": EVERY, "scrape_timeout": EVERY}, "scrape_configs": [envoy]}
    (folder / "prometheus.json").write_text(json.dumps(config), encoding="utf-8")
    at = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, launcher.__file__, "-", str(server)),  # it ends with us, however we end
        f"--config.file={folder}/prometheus.json",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={at}",
        "--scrape.discovery-reload-interval=100ms",  # five seconds would be until its first scrape
        "--log.level=error",
        cwd=folder,
    )
    try:
        await _ready(f"http://{at}/-/ready", process)
        yield f"http://{at}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(READY_WITHIN), aiohttp.ClientSession(trust_env=False) as http:
        while process.returncode is None:
            try:
                async with http.get(url) as response:
                    if response.ok:
                        return
            except aiohttp.ClientError:
                pass  # not yet
            await asyncio.sleep(0.05)
    raise AssertionError(f"Prometheus has ended with {process.returncode}")
