"""The gateway is where it was said to be, at the local cluster's port, or behind a port-forward."""

from __future__ import annotations

import os
import socket
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from mesh.chosen_cluster import Cluster
from mesh.gateway import NoGateway, reached, reached_meanwhile
from mesh.local.progress import ConsoleProgress
from tests.gateway.conftest import Make

pytestmark = pytest.mark.processes

SILENT = ConsoleProgress(Console(file=StringIO()))


def environ(folder: Path, **more: str) -> dict[str, str]:
    return {"ARGOSY_STATE": str(folder), "ARGOSY_CACHE": str(folder), **more}


async def test_a_given_address_is_taken_whatever_the_cluster(kubectl: Make, tmp_path: Path) -> None:
    given = environ(tmp_path, ARGOSY_GATEWAY="shop.example.com:8080")
    for local in (True, False):
        async with reached(Cluster(tmp_path / "kubeconfig", local=local), SILENT, given) as address:
            assert address == "shop.example.com:8080"


async def test_the_local_cluster_has_a_port_of_its_own_for_each_instance(tmp_path: Path) -> None:
    async with reached(Cluster(tmp_path, local=True), SILENT, environ(tmp_path, ARGOSY_INSTANCE="3")) as address:
        assert address == "127.0.0.1:8380"


def test_any_other_cluster_is_reached_through_a_port_forward(
    kubectl: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    cluster = kubectl(1).cluster
    with reached_meanwhile(cluster, SILENT, environ(tmp_path)) as address:
        host, _, port = address.partition(":")
        socket.create_connection((host, int(port)), timeout=30).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=30)


async def test_without_a_gateway_there_it_says_what_to_do(
    kubectl: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NoGateway) as refused:
        async with reached(kubectl(0).cluster, SILENT, environ(tmp_path)):
            pass
    for word in ("context scripted", 'services "gateway" not found', "`argosy deploy`", "ARGOSY_GATEWAY=host:port"):
        assert word in str(refused.value)
