"""How are layers of protection taken away, and how does everything come back as it was?"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from loadtest.compare.protection import SETTINGS, Protection
from loadtest.mesh_objects import Specs, check_unchanged, replace, specs_of, stripped
from mesh.running_shop import PROPAGATION, Shop

DEPLOYMENTS = ("orders-v1", "catalog-v1", "inventory-v1", "payments-v1", "payments-v2")
Settings = Mapping[str, Mapping[str, str | None]]  # by deployment; None: it has none


class NothingToTakeAway(Exception):
    """The mesh's objects protect nothing, so a comparison would compare nothing."""


class Layers:
    """Switches the layers of the running shop. Made by `layers`, which puts everything back."""

    def __init__(self, shop: Shop, say: Callable[[str], None], specs: Specs, settings: Settings) -> None:
        self._shop, self._say, self._specs, self._settings = shop, say, specs, settings
        self._mesh = self._app = True

    async def set(self, protection: Protection) -> None:
        """Have exactly these layers on; returns when that is in force everywhere."""
        if protection.mesh != self._mesh:
            self._mesh = protection.mesh  # first: what is changed by half has to be changed back as a whole
            await self._set_mesh(on=protection.mesh)
        if protection.app != self._app:
            self._app = protection.app
            await self._set_app(on=protection.app)

    async def restore(self) -> None:
        """Have every object and every setting as it was, whatever has happened."""
        try:
            await self._set_mesh(on=True)
        finally:
            await self._set_app(on=True)

    async def _set_mesh(self, *, on: bool) -> None:
        self._say(f"the mesh's objects {'as committed' if on else 'without retries, budgets and outlier detection'}")
        bare = {name: stripped(spec) for name, spec in self._specs.items()}
        await replace(self._shop.client, self._specs if on else bare)
        await asyncio.sleep(PROPAGATION)

    async def _set_app(self, *, on: bool) -> None:
        self._say(f"the application's layers {'on' if on else 'off'} in {len(self._settings)} deployments")
        async with asyncio.TaskGroup() as rollouts:
            for deployment, before in self._settings.items():
                values = before if on else dict.fromkeys(SETTINGS, "off")
                rollouts.create_task(self._shop.set_variables(deployment, values))


@asynccontextmanager
async def layers(shop: Shop, say: Callable[[str], None]) -> AsyncIterator[Layers]:
    """A way to switch layers; at the end all are on again, and every object of the mesh is what it was.

    Raises NothingToTakeAway before anything is changed, mesh_objects.NotAsBefore at the end.
    """
    before = await specs_of(shop.client)
    if all(stripped(spec) == spec for spec in before.values()):
        raise NothingToTakeAway("no object of the mesh protects anything; run `argosy up` to apply them as committed")
    settings = {deployment: await shop.variables_of(deployment, SETTINGS) for deployment in DEPLOYMENTS}
    switch = Layers(shop, say, before, settings)
    try:
        yield switch
    finally:
        await switch.restore()
        check_unchanged(before, await specs_of(shop.client))
