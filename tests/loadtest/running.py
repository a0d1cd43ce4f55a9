"""The whole harness in a process of its own: `python -m loadtest.run`."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOT_SETTINGS = {"ARGOSY_GATEWAY", "KUBECONFIG", "USERS", "RATE", "RUN_TIME", "SEED", "WORKERS"}


@dataclass
class Ran:
    code: int
    said: str
    numbers: dict[str, Any]

    @property
    def last_line(self) -> str:
        return self.said.strip().splitlines()[-1]


async def start(target: str, folder: Path, *options: str) -> asyncio.subprocess.Process:
    files = ("--html", str(folder / "load.html"), "--json", str(folder / "load.json"))
    command = (sys.executable, "-m", "loadtest.run", "--host", target, "--rate", "50", *files, *options)
    environment = {name: value for name, value in os.environ.items() if name not in NOT_SETTINGS}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=environment, start_new_session=True
    )


async def finish(process: asyncio.subprocess.Process, folder: Path) -> Ran:
    said, _ = await process.communicate()
    numbers = folder / "load.json"
    read = json.loads(numbers.read_text()) if numbers.exists() else {}
    return Ran(process.returncode or 0, said.decode(), read)


async def run(target: str, folder: Path, *options: str) -> Ran:
    return await finish(await start(target, folder, *options), folder)


async def in_process(*command: str) -> tuple[int, str]:
    """Exit code and everything a command said."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
