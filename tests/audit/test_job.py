"""`argosy audit` before a scripted Kubernetes API: what it makes of what the auditor said."""

from __future__ import annotations

import asyncio
import json

import pytest

from mesh.audit.job import Said, run_auditor
from mesh.suspended_job import JobImpossible
from tests.suspended_job.scripted_api import CREATING, RUNNING, ScriptedApi, ended

REPORT = {"verdict": "clean", "orders": {"total": 1, "CONFIRMED": 1}, "discrepancies": []}
LOG = f'{{"level":"INFO","message":"starting"}}\n{json.dumps(REPORT)}\nlast words\n'


async def run(api: ScriptedApi, timeout: float = 30.0) -> Said:
    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    async with api.client() as client:
        return await run_auditor(client, "shop", settle=5.0, timeout=timeout, sleep=at_once)


@pytest.mark.parametrize("exit_code", [0, 1, 3])
async def test_the_report_is_found_in_the_log_and_the_exit_code_passed_on(exit_code: int) -> None:
    api = ScriptedApi("auditor", [CREATING, RUNNING, ended(exit_code)], log=LOG)
    assert await run(api) == Said(REPORT, exit_code)
    assert api.arguments == ["--json", "--settle", "5.0"]


@pytest.mark.parametrize(
    ("api", "why"),
    [
        (
            ScriptedApi("auditor", [ended(2)], log="ORDERS_SERVICE_ADDR is not set\n"),
            "the auditor ended with exit code 2 and said: ORDERS_SERVICE_ADDR is not set",
        ),
        (ScriptedApi("auditor", [ended(137)]), "exit code 137 and said: nothing"),
        (ScriptedApi("auditor", [ended(0)], applied=False), "no CronJob auditor"),
    ],
)
async def test_an_audit_without_a_report_is_explained_and_leaves_no_job(api: ScriptedApi, why: str) -> None:
    with pytest.raises(JobImpossible, match=why):
        await run(api)
    assert api.deleted == list(api.jobs)


async def test_an_audit_that_takes_too_long_is_ended_and_deleted() -> None:
    api = ScriptedApi("auditor", [RUNNING])
    with pytest.raises(JobImpossible, match="did not end within"):
        await run(api, timeout=1.0)
    assert api.deleted == list(api.jobs) != []
