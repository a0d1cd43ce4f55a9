"""In which order is everything measured?

Every fault is measured under all four protections before the next one: what is compared was measured within two
minutes. The order goes forth for one fault and back for the next, which saves rollouts and tells drift from effect.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle

from loadtest.bench.local_cluster import LocalCluster
from loadtest.compare.cell import Cell
from loadtest.compare.crowd import Crowd, measure_crowd
from loadtest.compare.faults import FAULTS
from loadtest.compare.measuring import measure
from loadtest.compare.protection import BACK, FORTH
from loadtest.compare.stage import Stage
from loadtest.compare.switching import layers
from loadtest.shopper import open_shopper
from mesh.running_shop import Shop

CROWDED = "payments-slow"  # the fault whose effect on sixteen callers was published


@dataclass
class Found:
    """Everything measured so far."""

    cells: list[Cell] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)


async def compare(
    cluster: LocalCluster, gateway: str, keys: Sequence[str], say: Callable[[str], None], found: Found
) -> None:
    """Measure these faults under every protection, into `found`. The shop is then as it was."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(cluster.client())
        shopper = await stack.enter_async_context(open_shopper(gateway))
        shop = Shop(client)
        stage = Stage(cluster, shop, shopper, say)
        switch = await stack.enter_async_context(layers(shop, say))
        for key, order in zip(keys, cycle((FORTH, BACK)), strict=False):
            fault = FAULTS[key]
            say(f"{fault.title}: preparing")
            async with fault.prepare(stage):
                for protection in order:
                    await switch.set(protection)
                    say(f"{fault.title}; protection: {protection.title}")
                    found.cells.append(await measure(stage, fault, protection))
                    if key == CROWDED:
                        say(f"sixteen callers; protection: {protection.title}")
                        found.crowds.append(await measure_crowd(stage, protection, fault))
