"""The seeder before a scripted Kubernetes API: what it is given, what is made of what it says, and what is left."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mesh.seed.job import Report, run_seeder
from mesh.suspended_job import JobImpossible
from tests.suspended_job.scripted_api import CREATING, RUNNING, ScriptedApi, ended

SEED = {"name": "seed", "configMap": {"name": "products-abc"}}
TMP: dict[str, Any] = {"name": "tmp", "emptyDir": {}}
STEP = {"adding": "products", "done": 4, "of": 9}
REPORT = {"products": 9, "added": 9, "stocked": 9, "left_as_they_are": []}
LOG = "\n".join(
    ["a library's warning", json.dumps({"level": "INFO", "message": "x"}), json.dumps(STEP), json.dumps(REPORT)]
)


def scripted(log: str = LOG, exit_code: int = 0, **more: Any) -> ScriptedApi:
    return ScriptedApi("seeder", [CREATING, RUNNING, ended(exit_code)], log=log, volumes=[TMP, SEED], **more)


async def run(api: ScriptedApi, products: str = "", timeout: float = 30.0) -> tuple[Report, list[Report]]:
    """The report, and the steps that were told."""

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    steps: list[Report] = []
    async with api.client() as client:
        return await run_seeder(client, "shop", products, steps.append, timeout=timeout, sleep=at_once), steps


def held(api: ScriptedApi) -> dict[str, Any]:
    """What the Job's pod has in its volumes."""
    (job,) = api.jobs.values()
    return {volume["name"]: volume for volume in job["spec"]["template"]["spec"]["volumes"]}


async def test_steps_are_told_and_the_report_is_found_among_the_logs() -> None:
    api = scripted()
    assert await run(api) == (REPORT, [STEP])
    assert api.arguments == ["--json"]


async def test_without_products_the_manifests_own_are_brought() -> None:
    api = scripted()
    await run(api)
    assert held(api)["seed"]["configMap"]["name"] == "products-abc"
    assert api.config_maps == {}


async def test_products_of_ones_own_lie_in_a_config_map_that_does_not_outlive_the_job() -> None:
    api = scripted()
    await run(api, '[{"id":"sign"}]')
    ((name, made),) = api.config_maps.items()
    assert made["data"] == {"products.json": '[{"id":"sign"}]'}
    assert held(api)["seed"]["configMap"]["name"] == name
    assert held(api)["tmp"] == TMP
    assert api.deleted == [*api.jobs, name]


@pytest.mark.parametrize(
    ("api", "why"),
    [
        (scripted("no such file\n", 2), "without a result and said: no such file"),
        (scripted("", 137), "and said: nothing"),
        (scripted(applied=False), "no CronJob seeder"),
    ],
)
async def test_a_seeder_without_a_result_is_explained_and_nothing_is_left(api: ScriptedApi, why: str) -> None:
    with pytest.raises(JobImpossible, match=why):
        await run(api, "[]")
    assert set(api.deleted) == {*api.jobs, *api.config_maps}


async def test_one_that_takes_too_long_is_ended_and_nothing_is_left() -> None:
    api = scripted(goes_on=True)
    with pytest.raises(JobImpossible, match="did not end within 1 s"):
        await run(api, "[]", timeout=1.0)
    assert set(api.deleted) == {*api.jobs, *api.config_maps} != set()
