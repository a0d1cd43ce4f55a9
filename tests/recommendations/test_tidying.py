"""The tables stay as small as the catalog, however much is bought."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from services.hosting.database import Database
from services.recommendations.knowledge import KEPT
from services.recommendations.tables import PAIRS
from services.recommendations.tidying import Tidying
from tests.recommendations.learning import buy


async def company(database: Database, product_id: str) -> set[str]:
    others = select(PAIRS.c.other_id).where(PAIRS.c.product_id == product_id)
    return set(await database.read(lambda connection: connection.scalars(others).all()))


async def test_of_a_product_with_many_pairs_the_strongest_are_kept(database: Database) -> None:
    rare = [f"rare-{number:02}" for number in range(2 * KEPT)]
    await buy(database, *(f"mug {product}" for product in rare))
    tidying = Tidying(database, lambda: 0)
    await tidying.tidy()
    assert await company(database, "mug") == set(rare)  # not crowded yet
    await buy(database, "mug rope", "mug rope")
    await asyncio.gather(tidying.tidy(), tidying.tidy())
    assert await company(database, "mug") == {"rope", *rare[: KEPT - 1]}
    assert await company(database, "rare-49") == {"mug"}
