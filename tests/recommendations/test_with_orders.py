"""What real orders list is learnt: what was confirmed, and not what came to nothing."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from services.hosting.clock import SystemClock, microseconds
from services.hosting.database import Database
from services.recommendations.order_feed import OrderFeed
from tests.orders.shop import DECLINED_CARD, card_of, order_of, shop_without_orders
from tests.recommendations.learning import learnt


async def test_confirmed_orders_are_learnt_from_and_declined_ones_are_not(tmp_path: Path, database: Database) -> None:
    async with shop_without_orders(tmp_path) as shop, shop.replica():
        feed = OrderFeed(database, shop.orders, lambda: microseconds(SystemClock().now()))
        for _ in range(2):
            await shop.orders.PlaceOrder(order_of(("mug", 2), ("rope", 1)))
            with pytest.raises(grpc.aio.AioRpcError):
                await shop.orders.PlaceOrder(order_of(("fan", 1), ("rope", 1), card=card_of(DECLINED_CARD)))
            await feed.feed()
    products, pairs = await database.read(learnt)
    assert products["mug"] == products["rope"] == pairs["mug", "rope"]
    assert products.keys() == {"mug", "rope"}
    assert pairs.keys() == {("mug", "rope"), ("rope", "mug")}
