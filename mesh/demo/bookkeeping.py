"""Step 9: after all that, do the books balance?"""

from __future__ import annotations

import asyncio

from mesh.audit.job import run_auditor
from mesh.demo.claims import Check, Step, at_least, exactly
from mesh.demo.stage import Stage
from mesh.running_shop import ShopError

SETTLE = 20.0  # seconds for orders in flight
PATIENCE = 120.0


async def run(stage: Stage) -> list[Check]:
    """The auditor reads the books of orders, payments and inventory and compares them."""
    stage.say("argosy audit: a Job with its own identity reads the books of three services")
    shop = stage.shop
    said = await run_auditor(shop.client, shop.namespace, settle=SETTLE, timeout=PATIENCE, sleep=asyncio.sleep)
    if "orders" not in said.report:
        raise ShopError(f"the books cannot be read: {said.report.get('problem')}")
    discrepancies = said.report["discrepancies"]
    for one in discrepancies[:5]:
        stage.say(f"{one['name']}: {one['detail']}")
    return [
        at_least("orders in the books", said.report["orders"]["total"], 1),
        exactly("discrepancies", len(discrepancies), 0),
    ]


STEP = Step("The books", "The auditor finds no double charge, no lost order and no missing stock.", run)
