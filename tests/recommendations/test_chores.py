"""What fails in the background is told once, tried again, and stops nothing else."""

from __future__ import annotations

import logging

import pytest
from grpc import StatusCode
from shop.catalog.v1 import catalog_pb2 as pb

from services.hosting.database import Database
from services.hosting.errors import DependencyUnavailable
from services.hosting.pages import Unreadable
from services.recommendations import catalog_feed, knowledge
from services.recommendations.catalog_feed import CatalogFeed
from services.recommendations.chores import Chore


async def test_a_failure_is_told_once_and_tried_again_sooner_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    down = Unreadable("orders", StatusCode.UNAVAILABLE, "down")
    results: list[Exception | None] = [None, down, down, DependencyUnavailable("database"), None, None, down]

    async def do() -> None:
        if error := results.pop(0):
            raise error

    caplog.set_level(logging.INFO)
    chore = Chore("orders", do, 60.0, logging.getLogger("chores"))
    pauses = []
    for _ in range(len(results)):
        await chore.once()
        pauses.append(chore.pause)
    assert pauses == [60, 5, 5, 5, 60, 60, 5]
    assert [record.message for record in caplog.records] == ["chore fails", "chore works again", "chore fails"]


async def test_an_error_of_our_own_is_not_taken_for_somebody_elses() -> None:
    async def do() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Chore("orders", do, 1.0, logging.getLogger()).once()


class Endless:
    """A catalog whose list never ends."""

    async def ListProducts(self, request: pb.ListProductsRequest) -> pb.ListProductsResponse:
        begin = int(request.page_token or 0)
        products = [pb.Product(id=f"p{number}") for number in range(begin, begin + request.page_size)]
        return pb.ListProductsResponse(products=products, next_page_token=str(begin + request.page_size))


async def test_no_more_products_are_known_than_there_is_room_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_feed, "MOST_PRODUCTS", 250)
    await CatalogFeed(database, Endless()).feed()  # type: ignore[arg-type]
    known = await database.read(knowledge.known, [f"p{number}" for number in range(1000)])
    assert known == {f"p{number}" for number in range(300)}  # a page is met as a whole
