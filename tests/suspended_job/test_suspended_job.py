"""A suspended CronJob's Job before a scripted API server: what is asked for, what comes of it, what is left."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from mesh.suspended_job import Ended, JobImpossible, SuspendedJob
from tests.suspended_job.scripted_api import CREATING, RUNNING, ScriptedApi, ended


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


async def run(api: ScriptedApi, *arguments: str) -> Ended:
    async with api.client() as client:
        return await SuspendedJob(client, "shop", "errand", at_once).run(*arguments)


async def test_what_it_said_and_its_exit_code_are_passed_on() -> None:
    done = await run(ScriptedApi("errand", [CREATING, RUNNING, ended(3)], log="one\ntwo\n"))
    assert ([line.strip() for line in done.lines], done.exit_code) == (["one", "two"], 3)


async def test_the_job_is_the_cron_jobs_own_with_the_arguments_and_deleted_afterwards() -> None:
    api = ScriptedApi("errand", [ended(0)])
    await run(api, "--json", "--settle", "5.0")
    ((name, job),) = api.jobs.items()
    assert name.startswith("errand-")
    assert api.deleted == [name]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "services.errand"]
    assert container["args"] == ["--json", "--settle", "5.0"]
    assert job["metadata"]["labels"] == {"app": "errand"}
    assert job["spec"]["ttlSecondsAfterFinished"] > 0  # should nobody be left to delete it


async def test_a_sidecar_that_runs_on_is_not_waited_for() -> None:
    assert (await run(ScriptedApi("errand", [ended(0)]))).exit_code == 0


@pytest.mark.parametrize(
    ("api", "why"),
    [
        (ScriptedApi("errand", [ended(0)], applied=False), "no CronJob errand in namespace shop: apply the manifests"),
        (
            ScriptedApi("errand", [{"waiting": {"reason": "ErrImagePull", "message": "no such image"}}]),
            "no such image",
        ),
        (ScriptedApi("errand", [RUNNING], phase="Failed"), "the errand's pod failed"),
        (
            ScriptedApi(
                "errand", [CREATING], sidecar={"waiting": {"reason": "ImagePullBackOff", "message": "no proxy"}}
            ),
            "no proxy",
        ),
        (ScriptedApi("errand", [CREATING], refused="it is forbidden: exceeded quota"), "exceeded quota"),
    ],
)
async def test_a_job_that_cannot_be_is_explained_and_not_left(api: ScriptedApi, why: str) -> None:
    with pytest.raises(JobImpossible, match=why):
        await run(api)
    assert api.deleted == list(api.jobs)


async def test_a_job_that_is_interrupted_is_deleted() -> None:
    api = ScriptedApi("errand", [RUNNING])
    running = asyncio.create_task(run(api))
    while not api.jobs:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert api.deleted == list(api.jobs)


async def test_what_it_says_is_heard_while_it_runs_and_who_stops_listening_leaves_nothing() -> None:
    api = ScriptedApi("errand", [CREATING, RUNNING], log="one\ntwo\n", goes_on=True)
    heard: list[str] = []
    async with api.client() as client:
        async with aclosing(SuspendedJob(client, "shop", "errand", at_once).follow("watch")) as lines:
            async for line in lines:
                heard.append(line.strip())
                if len(heard) == 2:
                    break
        assert api.deleted == list(api.jobs) != []
    assert heard == ["one", "two"]
    assert api.arguments == ["watch"]


async def test_listening_ends_when_it_ends() -> None:
    api = ScriptedApi("errand", [ended(0)], log="all\n")
    async with api.client() as client:
        assert [line async for line in SuspendedJob(client, "shop", "errand", at_once).follow()] == ["all\n"]
    assert api.deleted == list(api.jobs) != []
