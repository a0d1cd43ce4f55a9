from __future__ import annotations

import asyncio
import datetime as dt
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesh.local.node.api_client import open_client
from mesh.local.node.config import NodeConfig
from mesh.local.node.node import Node
from mesh.local.pki import issue_all
from tests.node.one_container import Around
from tests.node.pods import config_in
from tests.node.scripted_api import ScriptedApi


@dataclass
class Cluster:
    """A scripted API, and the settings of a node for it."""

    api: ScriptedApi
    config: NodeConfig

    @asynccontextmanager
    async def node(self) -> AsyncIterator[None]:
        """A real node, while the block runs."""
        stopping = asyncio.Event()
        environment = {"PATH": os.environ["PATH"]}
        async with open_client(self.config.kubeconfig) as client:
            running = asyncio.create_task(Node(self.config, client, environment).run(stopping))
            try:
                yield
            finally:
                stopping.set()
                await running


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    api = ScriptedApi()
    credentials = issue_all(tmp_path / "pki", dt.datetime.now(dt.UTC))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with api.serve(tmp_path) as kubeconfig:
        with tempfile.TemporaryDirectory(prefix="argosy-") as sockets:
            yield Cluster(
                api,
                config_in(
                    tmp_path,
                    kubeconfig=kubeconfig,
                    socket_dir=Path(sockets),
                    log_address=f"127.0.0.1:{port}",
                    log_certificate=credentials.certificate("node-server"),
                    log_key=credentials.key("node-server"),
                    log_client_ca=credentials.ca,
                ),
            )


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return Around(tmp_path)
