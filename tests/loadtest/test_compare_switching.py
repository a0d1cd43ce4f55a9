"""Layers are taken away, and everything comes back, however the comparison ends."""

import asyncio
from collections.abc import Iterator
from copy import deepcopy

import pytest

from loadtest.compare import switching
from loadtest.compare.protection import Protection
from loadtest.compare.switching import DEPLOYMENTS, NothingToTakeAway, layers
from loadtest.mesh_objects import NotAsBefore, stripped
from mesh.running_shop import Shop
from tests.loadtest.scripted_mesh import DESTINATION, ROUTE, ScriptedMesh

AS_BEFORE = {"LOG_LEVEL": "INFO"}
OFF = {"RESILIENCE": "off", "ADAPTIVE_LIMIT": "off"}


@pytest.fixture
def mesh(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedMesh]:
    monkeypatch.setattr(switching, "PROPAGATION", 0.0)
    scripted = ScriptedMesh(*DEPLOYMENTS)
    before = deepcopy(scripted.objects)
    yield scripted
    assert scripted.objects == before


def mesh_is_on(mesh: ScriptedMesh) -> bool:
    """Never half on, half off."""
    specs = mesh.objects["virtualservices"]["catalog-mesh"]["spec"], mesh.objects["destinationrules"]["catalog"]["spec"]
    assert specs in [(ROUTE, DESTINATION), (stripped(ROUTE), stripped(DESTINATION))]
    return specs == (ROUTE, DESTINATION)


def app_is_on(mesh: ScriptedMesh) -> bool:
    [settings] = {tuple(mesh.env(deployment).items()) for deployment in DEPLOYMENTS}
    assert dict(settings) in [AS_BEFORE, AS_BEFORE | OFF]
    return dict(settings) == AS_BEFORE


@pytest.mark.parametrize("protection", Protection)
async def test_exactly_the_layers_that_are_wanted_are_on(mesh: ScriptedMesh, protection: Protection) -> None:
    async with mesh.client() as client, layers(Shop(client), print) as switch:
        await switch.set(protection)
        assert (mesh_is_on(mesh), app_is_on(mesh)) == (protection.mesh, protection.app)


async def test_every_protection_can_follow_every_other(mesh: ScriptedMesh) -> None:
    async with mesh.client() as client, layers(Shop(client), print) as switch:
        for protection in [other for one in Protection for each in Protection for other in (one, each)]:
            await switch.set(protection)
            assert (mesh_is_on(mesh), app_is_on(mesh)) == (protection.mesh, protection.app)


async def test_everything_comes_back_when_the_comparison_fails(mesh: ScriptedMesh) -> None:
    async def fail() -> None:
        async with mesh.client() as client, layers(Shop(client), print) as switch:
            await switch.set(Protection.OFF)
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await fail()


async def test_everything_comes_back_when_somebody_presses_ctrl_c(mesh: ScriptedMesh) -> None:
    switched = asyncio.Event()

    async def compare() -> None:
        async with mesh.client() as client, layers(Shop(client), print) as switch:
            await switch.set(Protection.OFF)
            switched.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(compare())
    await switched.wait()
    assert (mesh_is_on(mesh), app_is_on(mesh)) == (False, False)
    running.cancel()  # what asyncio.run does when SIGINT arrives
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_an_object_that_does_not_come_back_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "PROPAGATION", 0.0)
    mesh = ScriptedMesh(*DEPLOYMENTS)
    async with mesh.client() as client:
        with pytest.raises(NotAsBefore, match=r"VirtualService other \(new\)"):
            async with layers(Shop(client), print):
                mesh.objects["virtualservices"]["other"] = {"spec": {}}


async def test_a_mesh_that_is_stripped_already_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a run that was killed: its objects would pass for what is committed."""
    monkeypatch.setattr(switching, "PROPAGATION", 0.0)
    mesh = ScriptedMesh(*DEPLOYMENTS)
    for kind, name in (("virtualservices", "catalog-mesh"), ("destinationrules", "catalog")):
        mesh.objects[kind][name]["spec"] = stripped(mesh.objects[kind][name]["spec"])
    async with mesh.client() as client:
        with pytest.raises(NothingToTakeAway):
            async with layers(Shop(client), print):
                pytest.fail("there is nothing to compare")
    assert mesh.patched == []
