"""How is the auditor run in a cluster? As a Job; what it says and its exit code are the verdict."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from lightkube import AsyncClient

from mesh.suspended_job import Ended, JobImpossible, Sleep, SuspendedJob

AUDITOR = "auditor"


@dataclass(frozen=True)
class Said:
    """What the auditor said, and its exit code."""

    report: dict[str, Any]
    exit_code: int


async def run_auditor(client: AsyncClient, namespace: str, *, settle: float, timeout: float, sleep: Sleep) -> Said:
    """Run one audit. Raises JobImpossible."""
    auditor = SuspendedJob(client, namespace, AUDITOR, sleep)
    try:
        async with asyncio.timeout(timeout):
            return _said(await auditor.run("--json", "--settle", str(settle)))
    except TimeoutError:
        raise JobImpossible(f"the audit did not end within {timeout:.0f} s") from None


def _said(ended: Ended) -> Said:
    for line in reversed(ended.lines):
        try:
            report = json.loads(line)
        except ValueError:
            continue
        if isinstance(report, dict) and "verdict" in report:
            return Said(report, ended.exit_code)
    raise JobImpossible(ended.last_words(AUDITOR))
