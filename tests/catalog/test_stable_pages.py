"""Whatever becomes of others while pages are read, a product that did not change is on exactly one of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from random import Random

import pytest
from shop.catalog.v1 import catalog_pb2 as pb
from sqlalchemy import text

from tests.catalog.shopkeeper import Paged, Shopkeeper, catalog, euros, product
from tests.hosting.databases import Files, engine

GALLEY = pb.ProductFilter(category="galley")
LISTS: list[Paged] = [
    pb.ListProductsRequest(page_size=3),
    pb.ListProductsRequest(page_size=3, order=pb.PRODUCT_ORDER_PRICE),
    pb.ListProductsRequest(page_size=2, order=pb.PRODUCT_ORDER_PRICE_DESCENDING, filter=GALLEY),
    pb.ListProductsRequest(page_size=3, order=pb.PRODUCT_ORDER_NAME),
    pb.SearchProductsRequest(page_size=3, query="mug"),
    pb.SearchProductsRequest(page_size=1, query="blue mu", filter=GALLEY),
]
STILL = [f"{letter}-still-{number}" for number in range(8) for letter in "amz"]
MANY = 24
Pages = Callable[[Paged], AsyncIterator[list[str]]]


def some(random: Random, product_id: str) -> pb.Product:
    """Any product: in the lists above or not, early or late."""
    return product(
        product_id,
        name=random.choice(["Mug", "Blue mug", "Muggy lamp", "Blue lamp"]),
        description=random.choice(["", "A mug.", "Bluer than mugs."]),
        price=euros(random.randint(1, 5)),
        category=random.choice(["galley", "deck"]),
    )


class Others:
    """Somebody who adds products, and changes them all the time, but never the first ones."""

    def __init__(self, shop: Shopkeeper, random: Random) -> None:
        self._shop, self._random = shop, random
        self._known: list[pb.Product] = []

    async def edit(self) -> None:
        """Add three products until there are many, and change three."""
        names = [f"{letter}-{len(self._known)}" for letter in "amz"] if len(self._known) < MANY else []
        self._known += await self._shop.create(*(some(self._random, name) for name in names))
        for place in self._random.choices(range(len(self._known)), k=3):
            changed = some(self._random, self._known[place].id)
            changed.etag = self._known[place].etag
            self._known[place] = await self._shop.update(changed)


async def misplaced(shop: Shopkeeper, pages: Pages, request: Paged) -> list[str]:
    """The products that nobody changed and that were not seen once, with others at work after each page."""
    random = Random(1)  # noqa: S311  # choices, not secrets
    await shop.create(*(some(random, each) for each in STILL))
    expected = await shop.read(request)
    assert len(expected) > request.page_size
    others = Others(shop, random)
    seen = Counter[str]()
    async for page in pages(request):
        seen.update(page)
        await others.edit()
    return [each for each in STILL if seen[each] != expected.count(each)]


@pytest.mark.parametrize("request_", LISTS)
async def test_a_product_that_did_not_change_is_on_exactly_one_page(shop: Shopkeeper, request_: Paged) -> None:
    assert await misplaced(shop, shop.pages, request_) == []


@pytest.mark.parametrize("request_", LISTS)
async def test_on_pages_by_number_it_would_not_be(shop: Shopkeeper, request_: Paged) -> None:
    async def numbered(request: Paged) -> AsyncIterator[list[str]]:
        for start in count(0, request.page_size):
            listed = await shop.read(request)
            yield listed[start : start + request.page_size]
            if start + request.page_size >= len(listed):
                return

    assert await misplaced(shop, numbered, request_) != []


async def test_edits_at_the_same_moment_as_reads_move_nothing_else(shop: Shopkeeper) -> None:
    random = Random(2)  # noqa: S311  # choices, not secrets
    await shop.create(*(some(random, each) for each in STILL))
    expected = await asyncio.gather(*map(shop.read, LISTS))
    reads = [asyncio.create_task(shop.read(request)) for request in LISTS * 2]
    others = Others(shop, random)
    while not all(read.done() for read in reads):
        await others.edit()
    for read, before in zip(reads, expected * 2, strict=True):
        seen = Counter(await read)
        assert [each for each in STILL if seen[each] != before.count(each)] == []


async def test_a_rank_that_knows_all_products_would_move_those_that_did_not_change(tmp_path: Path) -> None:
    """Why the rank is not FTS5's own: bm25 of an unchanged product changes when others come."""
    url = Files(tmp_path).url("catalog")
    beside = engine(url)
    bm25 = text(
        "SELECT bm25(product_words) FROM product_words JOIN product_numbers ON number = product_words.rowid"
        " WHERE product_words MATCH 'mug' AND id = 'still'"
    )
    ranks = list[float | None]()
    async with catalog(url) as channel:
        for description in ("", "A mug. " * 5):
            await Shopkeeper(channel).create(product(f"other-{len(ranks)}", description=description))
            await Shopkeeper(channel).create(product("still"))
            with beside.connect() as connection:
                ranks.append(connection.execute(bm25).scalar())
    beside.dispose()
    assert ranks[0] != ranks[1]
