"""The watchdog as a process, with a Kubernetes API that is only scripted."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
import yaml

from mesh.chaos.problems import ChaosError
from mesh.chaos.run.place import Run
from mesh.chaos.undo import LABEL
from mesh.chaos.watchdog.starting import LOG, watched_over
from mesh.chaos.watchdog.vigil import OVER
from tests.canary.kubernetes_api import KubernetesApi
from tests.chaos.story import FILE
from tests.chaos.watchdog.conftest import NAME

pytestmark = pytest.mark.processes


@pytest.fixture
def api() -> KubernetesApi:
    """It has an object of the run's."""
    api = KubernetesApi()
    api.put("envoyfilters", {"metadata": {"name": "ours", "namespace": "shop", "labels": {LABEL: NAME}}})
    return api


@pytest.fixture
async def folder(api: KubernetesApi, run: Run, tmp_path: Path) -> AsyncIterator[Path]:
    """The run's folder, while the API can be asked."""
    folder = tmp_path / "chaos" / NAME
    folder.mkdir(parents=True)
    async with api.served() as config:
        _written(run, config)
        yield folder


def _written(run: Run, config: Mapping[str, Any]) -> None:
    """What a watchdog reads besides."""
    Path(run.file).write_text(FILE)
    Path(run.kubeconfig).write_text(yaml.safe_dump(config))


class Interrupted(Exception):
    """What ends the runner's block."""


async def killed(run: Run, runner: Popen[bytes], folder: Path) -> None:
    """The run is watched over, and its runner is killed."""
    async with watched_over(run, folder) as watchdog:
        assert watchdog.alive
        runner.send_signal(signal.SIGKILL)
        raise Interrupted


async def test_it_cleans_up_after_a_runner_that_was_killed_and_says_so(
    run: Run, runner: Popen[bytes], folder: Path, api: KubernetesApi
) -> None:
    with pytest.raises(Interrupted):
        await killed(run, runner, folder)
    async with asyncio.timeout(50):
        while not (folder / OVER).exists():
            await asyncio.sleep(0.05)
    verdict = json.loads((folder / "verdict.json").read_text())
    assert (verdict["outcome"], verdict["run"], verdict["control"]) == ("ABORTED", NAME, True)
    assert [name for kind, name in api.objects if kind == "envoyfilters"] == []
    assert {spec["spec"].get("holderIdentity") for (kind, _), spec in api.objects.items() if kind == "leases"} == {None}


async def test_a_run_that_ends_well_needs_nobody_any_more(run: Run, folder: Path, api: KubernetesApi) -> None:
    async with watched_over(run, folder) as watchdog:
        pass
    assert not watchdog.alive
    assert ("envoyfilters", "ours") in api.objects


async def test_nothing_begins_when_nobody_can_watch(run: Run, folder: Path) -> None:
    with pytest.raises(ChaosError, match=LOG):
        async with watched_over(run, folder, {"PYTHONPATH": "", "PYTHONHOME": "/nowhere"}):
            pytest.fail("it has begun")
