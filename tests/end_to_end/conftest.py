"""One mesh for all end-to-end tests: the cluster KUBECONFIG names, or the local one. Left as it was found.

On a cluster the shop that is there is used; where there is none it is deployed, and taken away at the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lightkube import AsyncClient
from rich.console import Console

from loadtest.shopper import Shopper, open_shopper
from mesh import kube_client
from mesh.chosen_cluster import meant
from mesh.gateway import reached_meanwhile
from mesh.local.belongings import belonging_to
from mesh.local.progress import ConsoleProgress
from mesh.local.state_folder import StateFolder
from mesh.running_shop import Shop

CHECKOUT = Path(__file__).parents[2]
ARGOSY = Path(sys.executable).parent / "argosy"
STATE = Path(os.environ.get("ARGOSY_STATE", CHECKOUT / ".argosy")).absolute()
CLUSTER = meant()
ANOTHER_AT_WORK, NOT_RUNNING = 3, 4  # exit codes of argosy
OVERLAY = "kind"
SHOP_WAS_THERE = pytest.StashKey[bool]()
PATIENCE = 1500  # seconds; the first start on a machine builds Istio and Kubernetes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.end_to_end)
            item.add_marker(pytest.mark.timeout(PATIENCE))
            only = item.get_closest_marker("local_only")
            if only and not CLUSTER.local:
                item.add_marker(pytest.mark.skip(reason=f"only on the local cluster: {only.args[0]}"))


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """One document from each line."""
        return [json.loads(line) for line in self.out.splitlines()]


def argosy(*arguments: str, stdin: str = "", patience: float = PATIENCE) -> Done:
    """Type one argosy command and wait for its end."""
    done = subprocess.run(
        [ARGOSY, *arguments], cwd=CHECKOUT, input=stdin, capture_output=True, text=True, check=False, timeout=patience
    )
    return Done(done.returncode, done.stdout, done.stderr)


def kubectl(*arguments: str, stdin: str = "") -> Done:
    """The same for kubectl, in the shop's namespace."""
    return argosy("kubectl", "-n", "shop", *arguments, stdin=stdin, patience=180)


def eventually(what: str, seen: Callable[[], Any], wanted: Any) -> None:
    """Wait until `seen()` is what is wanted; generous, for the machine may be busy."""
    end = time.monotonic() + 60
    while (last := seen()) != wanted:
        assert time.monotonic() < end, f"{what}: {last}"
        time.sleep(0.3)


@pytest.fixture(scope="session")
def shop_was_there(request: pytest.FixtureRequest) -> bool:
    """Whether somebody else's shop is in the cluster, so that nothing of it may be deleted."""
    if SHOP_WAS_THERE not in request.config.stash:  # tests/cluster asks again, when there is ours
        request.config.stash[SHOP_WAS_THERE] = not CLUSTER.local and has_shop()
    return request.config.stash[SHOP_WAS_THERE]


@pytest.fixture(scope="session")
def cluster(shop_was_there: bool) -> Iterator[None]:
    if CLUSTER.local:
        with _local():
            yield
    elif shop_was_there:
        yield
    else:
        with _deployed():
            yield


@contextmanager
def _local() -> Iterator[None]:
    ran_before = argosy("status", "--json").code != NOT_RUNNING
    started = argosy("up")
    try:
        assert started.code == 0, f"argosy up: {started.out[-3000:]} {started.err[-3000:]}"
        yield
    finally:
        if not ran_before and started.code != ANOTHER_AT_WORK:
            stopped = argosy("down")
            assert stopped.code == 0, f"argosy down: {stopped.out} {stopped.err}"
            assert belonging_to(STATE) == []
            assert not StateFolder(STATE).sockets.exists()


@contextmanager
def _deployed() -> Iterator[None]:
    try:
        deployed = argosy("deploy", OVERLAY)
        assert deployed.code == 0, f"argosy deploy: {deployed.out[-3000:]} {deployed.err[-3000:]}"
        yield
    finally:
        undeployed = argosy("undeploy", "--yes")
        assert undeployed.code == 0, f"argosy undeploy: {undeployed.out} {undeployed.err}"
        assert not has_shop()


def has_shop() -> bool:
    """Whether there is a namespace shop in the cluster."""
    return bool(argosy("kubectl", "get", "namespace", "shop", "--ignore-not-found", "-o", "name").out)


@pytest.fixture
async def client(cluster: None) -> AsyncIterator[AsyncClient]:
    async with kube_client.opened(CLUSTER) as opened:
        yield opened


@pytest.fixture
async def shop(client: AsyncClient) -> Shop:
    return Shop(client)


@pytest.fixture
def gateway(cluster: None) -> Iterator[str]:
    with reached_meanwhile(CLUSTER, ConsoleProgress(Console(stderr=True))) as address:
        yield address


@pytest.fixture
async def shopper(gateway: str) -> AsyncIterator[Shopper]:
    async with open_shopper(gateway) as opened:
        yield opened
