"""How is cleaned up after a run that did not do it itself? What was written down is undone, what it made is deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mesh.chaos.run.labelled import delete, labelled
from mesh.chaos.run.undoing import undo
from mesh.chaos.site import Site
from mesh.chaos.undo import Planned, forget


async def clean_up(site: Site, planned: Sequence[Planned], mark: Callable[[Planned], None]) -> tuple[str, ...]:
    """Leave nothing of the site's run; what is left all the same, in words. Raises lightkube's errors."""
    undone = await undo(site, planned, mark)
    leftovers = [one.leftover for one in undone if one.leftover]
    namespace = site.shop.namespace
    for thing in await labelled(site.client, namespace, site.run):
        site.say(f"deleting {thing}")
        await delete(site.client, namespace, thing)
    if not leftovers:
        await forget(site.client, site.run, namespace)
    return tuple(leftovers)
