"""On this machine a container's process is found by its pod's record, and a program beside it sees what it sees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from mesh.local.node.pod_record import ContainerRecord, PodRecord, write
from mesh.local.process_identity import identify
from mesh.local.state_folder import StateFolder
from mesh.pod_processes import LocalProcesses
from mesh.running_shop import ShopError

pytestmark = pytest.mark.processes

POD = Pod(metadata=ObjectMeta(name="catalog-v1-1", uid="u-1"))
LOOK = "import json, os, sys; print(json.dumps([os.getcwd(), os.environ['DATABASE_URL'], sys.argv[1]]))"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process of pod catalog-v1-1, with a folder and a variable of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import signal; print(flush=True); signal.pause()"],
        cwd=tmp_path,
        env={**os.environ, "DATABASE_URL": "sqlite:///here"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()  # it runs
    record(tmp_path, process.pid)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def record(state: Path, pid: int) -> None:
    known = identify(pid)
    assert known is not None
    containers = {"catalog": ContainerRecord(pid, known.started, 0)}
    write(StateFolder(state).pods, PodRecord("shop", "catalog-v1-1", "u-1", "", "", 0, 0, containers))


async def test_a_signal_reaches_the_containers_process(tmp_path: Path, catalog: subprocess.Popen[bytes]) -> None:
    processes = LocalProcesses(StateFolder(tmp_path))
    assert await processes.number(POD, "catalog") == catalog.pid
    assert await processes.state(POD, "catalog") in {"S", "R"}
    assert await processes.signal(POD, "catalog", signal.SIGTERM) == catalog.pid
    assert catalog.wait() == -signal.SIGTERM


async def test_what_has_ended_has_no_number_no_state_and_gets_no_signal(
    tmp_path: Path, catalog: subprocess.Popen[bytes]
) -> None:
    catalog.kill()
    catalog.wait()
    processes = LocalProcesses(StateFolder(tmp_path))
    assert await processes.number(POD, "catalog") == 0
    assert await processes.state(POD, "catalog") == ""
    with pytest.raises(ShopError, match="pod catalog-v1-1 has no process catalog"):
        await processes.signal(POD, "catalog", signal.SIGTERM)


@pytest.mark.usefixtures("catalog")
async def test_another_pod_of_that_name_is_another_pod(tmp_path: Path) -> None:
    later = Pod(metadata=ObjectMeta(name="catalog-v1-1", uid="u-2"))
    with pytest.raises(ShopError, match="no process"):
        await LocalProcesses(StateFolder(tmp_path)).signal(later, "catalog", signal.SIGTERM)


@pytest.mark.usefixtures("catalog")
async def test_a_program_has_the_containers_folder_and_variables(tmp_path: Path) -> None:
    said = await LocalProcesses(StateFolder(tmp_path)).python(POD, "catalog", LOOK, "word")
    assert json.loads(said) == [str(tmp_path), "sqlite:///here", "word"]


@pytest.mark.usefixtures("catalog")
async def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ShopError, match="no such thing"):
        await LocalProcesses(StateFolder(tmp_path)).python(POD, "catalog", "raise SystemExit('no such thing')")


async def test_only_istiod_and_the_api_server_can_be_taken_away(tmp_path: Path) -> None:
    processes = LocalProcesses(StateFolder(tmp_path))
    assert [await processes.why_not(part) for part in ("istiod", "apiserver")] == ["", ""]
    assert await processes.why_not("etcd") == "the local cluster has no part etcd that could be taken away"
    with pytest.raises(ShopError, match="does not run"):
        await processes.stop_part("istiod")
