"""A part that is held is away for whoever calls it, although its supervisor starts again what dies."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from mesh.local.held_part import PartNotHeld, give_back, hold, works
from mesh.local.process_identity import state_of
from tests.local.scripted import ScriptedCluster, eventually, kill

pytestmark = pytest.mark.processes


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def served(cluster: ScriptedCluster, port: int) -> Iterator[ScriptedCluster]:
    """A cluster whose part istiod answers."""
    cluster.add_server("istiod", port)
    with cluster.supervised():
        eventually(cluster.ready)
        yield cluster


async def test_a_held_part_refuses_connections_until_it_is_given_back(served: ScriptedCluster, port: int) -> None:
    await hold(served.folder, "istiod")

    assert not await works(served.folder, "istiod")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))

    await give_back(served.folder, "istiod")
    assert await works(served.folder, "istiod")
    assert served.part("istiod").restarts == 1


async def test_control_without_holding_it_a_killed_part_comes_back(served: ScriptedCluster) -> None:
    kill(served.part("istiod"))
    eventually(lambda: served.part("istiod").restarts == 1 and served.ready())
    assert await works(served.folder, "istiod")


async def test_holding_and_giving_back_twice_changes_nothing(served: ScriptedCluster) -> None:
    await hold(served.folder, "istiod")
    held = served.part("istiod").process
    await hold(served.folder, "istiod")
    assert held is not None
    assert served.part("istiod").process == held
    assert state_of(held.pid) == "T"

    await give_back(served.folder, "istiod")
    await give_back(served.folder, "istiod")
    assert served.part("istiod").process == held


async def test_a_part_that_is_not_there_cannot_be_held(served: ScriptedCluster) -> None:
    with pytest.raises(PartNotHeld, match="no-part"):
        await hold(served.folder, "no-part")
    with pytest.raises(PartNotHeld, match="no-part"):
        await works(served.folder, "no-part")
