"""Step 8: after all that, do the books balance?"""

from __future__ import annotations

from mesh.demo.claims import Check, Step, at_least, exactly
from mesh.demo.stage import Stage


async def run(stage: Stage) -> list[Check]:
    """The auditor reads the books of orders, payments and inventory and compares them."""
    stage.say("argosy audit: a Job with its own identity reads the books of three services")
    books = await stage.audit()
    for discrepancy in books.discrepancies[:5]:
        stage.say(discrepancy)
    return [
        at_least("orders in the books", books.orders, 1),
        exactly("discrepancies", len(books.discrepancies), 0),
    ]


STEP = Step("The books", "The auditor finds no double charge, no lost order and no missing stock.", run)
