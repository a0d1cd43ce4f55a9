"""On the local cluster a watchdog is a process: started by whoever misses one, outliving who started it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from lightkube import AsyncClient, KubeConfig

from mesh.canary.watchdog.presence import ALL, Presence, claims, on_duty
from mesh.canary.watchdog.starting import guarded, log_of, part
from mesh.chosen_cluster import Cluster
from mesh.local.belongings import belonging_to, kill_belongings
from mesh.local.process_identity import ProcessId
from mesh.local.state_folder import StateFolder
from tests.canary.kubernetes_api import KubernetesApi
from tests.canary.watchdog.unattended import SERVICE, Unattended

pytestmark = pytest.mark.processes


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[StateFolder]:
    """The state folder of a local cluster; what belongs to it ends with the test, as with `argosy down`."""
    folder = StateFolder(tmp_path)
    folder.logs.mkdir()
    yield folder
    while kill_belongings(folder.root):
        time.sleep(0.01)


@asynccontextmanager
async def cluster(folder: StateFolder, api: KubernetesApi) -> AsyncIterator[tuple[Cluster, AsyncClient]]:
    """The local cluster whose API this is."""
    async with api.served() as config:
        folder.kubeconfig.write_text(json.dumps(config))
        client = AsyncClient(KubeConfig.from_dict(config), namespace="shop", trust_env=False)
        try:
            yield Cluster(folder.kubeconfig, local=True), client
        finally:
            await client.close()


def watching(folder: StateFolder) -> list[ProcessId]:
    return belonging_to(folder.root, part(SERVICE))


async def test_one_is_started_and_found_by_the_next_who_asks(folder: StateFolder) -> None:
    async with cluster(folder, Unattended().api) as (local, client):
        first = await guarded(local, client, SERVICE)
        (process,) = watching(folder)
        assert first == f"watchdog@{os.uname().nodename} pid {process.pid}"
        assert await guarded(local, client, SERVICE) == first == await on_duty(client, SERVICE)
        assert watching(folder) == [process]


async def test_one_that_was_killed_is_replaced_although_its_last_word_stands(folder: StateFolder) -> None:
    async with cluster(folder, Unattended().api) as (local, client):
        first = await guarded(local, client, SERVICE)
        (process,) = watching(folder)
        assert process.send(signal.SIGKILL)
        assert [holder for holder, _ in (await claims(client, SERVICE)).values()] == [first]
        second = await guarded(local, client, SERVICE)
        assert second not in {None, first}


async def test_told_to_end_it_ends(folder: StateFolder) -> None:
    async with cluster(folder, Unattended().api) as (local, client):
        await guarded(local, client, SERVICE)
        (process,) = watching(folder)
        assert process.send(signal.SIGTERM)
        process.wait()
    assert "Traceback" not in log_of(folder, SERVICE).read_text()


async def test_an_api_server_that_is_away_does_not_end_it(folder: StateFolder) -> None:
    shop = Unattended()
    async with cluster(folder, shop.api) as (local, client):
        await guarded(local, client, SERVICE)
        (process,) = watching(folder)
    while "the API server" not in log_of(folder, SERVICE).read_text():
        assert process.alive()
        await asyncio.sleep(0.1)
    assert process.alive()


async def test_on_another_cluster_nothing_is_started(folder: StateFolder) -> None:
    async with cluster(folder, Unattended().api) as (local, client):
        assert await guarded(Cluster(local.kubeconfig), client, SERVICE) is None
    assert watching(folder) == []


async def test_the_clusters_own_watchdog_watches_every_service() -> None:
    async with Unattended().api.client() as client:
        presence = Presence(client, ALL, "watchdog@node pid 1")
        await presence.beat()
        before = await claims(client, SERVICE)
        await presence.beat()
        assert (await claims(client, SERVICE)).keys() == before.keys() == {"watchdog-canaries"}
        assert await claims(client, SERVICE) != before
        await presence.withdraw()
        assert await on_duty(client, "payments") is None
