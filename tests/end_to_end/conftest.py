"""One local mesh for all end-to-end tests: started once, left running if it ran before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lightkube import AsyncClient, KubeConfig

from loadtest.shopper import Shopper, open_shopper
from mesh.local.addresses import LOOPBACK, addresses_of
from mesh.local.belongings import belonging_to
from mesh.local.settings import read_settings
from mesh.local.state_folder import StateFolder
from mesh.running_shop import Shop

CHECKOUT = Path(__file__).parents[2]
ARGOSY = Path(sys.executable).parent / "argosy"
STATE = Path(os.environ.get("ARGOSY_STATE", CHECKOUT / ".argosy")).absolute()
ANOTHER_AT_WORK, NOT_RUNNING = 3, 4  # exit codes of argosy
PATIENCE = 1500  # seconds; the first start on a machine builds Istio and Kubernetes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.end_to_end)
            item.add_marker(pytest.mark.timeout(PATIENCE))


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


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
def cluster() -> Iterator[None]:
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


@pytest.fixture
async def client(cluster: None) -> AsyncIterator[AsyncClient]:
    opened = AsyncClient(config=KubeConfig.from_file(STATE / "kubeconfig"), trust_env=False)
    yield opened
    await opened.close()


@pytest.fixture
async def shop(client: AsyncClient) -> Shop:
    return Shop(client)


@pytest.fixture
async def shopper(cluster: None) -> AsyncIterator[Shopper]:
    gateway = addresses_of(read_settings(os.environ).instance).gateway
    async with open_shopper(f"{LOOPBACK}:{gateway}") as opened:
        yield opened
