"""How long do a read of 20 products and a search among 10 000 take?

A catalog as it is shipped, in a process of its own, asked directly, one call at a time; on a SQLite file, and its
searches on PostgreSQL as well. Service times are what the catalog itself writes into its log; the others are a
caller's, so they hold gRPC's at both ends. Products are made of the words of the shop's own, searches of one to three
of these words, the last one often only begun. Reads and searches take turns, and a caller's number is the median of
several rounds: a neighbour's burst hits one of them.
"""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from grpc import aio
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

from loadtest import postgresql
from loadtest.bench.row import BenchUnavailable, Row

CHECKOUT = Path(__file__).parents[2]
SHOP = CHECKOUT / "k8s" / "base" / "products" / "products.json"
PRODUCTS, READ_AT_ONCE = 10_000, 20
ROUNDS, CALLS = 5, 300  # in each round
STARTS_WITHIN, ENDS_WITHIN, TIMEOUT = 120.0, 30.0, 30.0  # seconds

Answer = aio.UnaryUnaryCall[Any, Any]


@dataclass(frozen=True)
class Caller:
    """Somebody who asks for products of these ids, and looks for these things."""

    stub: CatalogServiceStub
    ids: Sequence[str]
    searches: Sequence[str]
    random: Random

    def batch(self) -> Answer:
        """Some products by id."""
        wanted = self.random.sample(self.ids, READ_AT_ONCE)
        return self.stub.BatchGetProducts(pb.BatchGetProductsRequest(product_ids=wanted), timeout=TIMEOUT)

    def page(self) -> Answer:
        """The first page."""
        return self.stub.ListProducts(pb.ListProductsRequest(page_size=READ_AT_ONCE), timeout=TIMEOUT)

    def search(self) -> Answer:
        """What the catalog finds for some words."""
        wanted = pb.SearchProductsRequest(query=self.random.choice(self.searches), page_size=READ_AT_ONCE)
        return self.stub.SearchProducts(wanted, timeout=TIMEOUT)


@dataclass(frozen=True)
class Assortment:
    """What the catalog has, what people look for, and the folder where it runs."""

    products: Sequence[dict[str, Any]]
    searches: Sequence[str]
    random: Random
    folder: Path

    @property
    def log(self) -> Path:
        """What the catalog that was served last has written."""
        return self.folder / "catalog.log"

    @asynccontextmanager
    async def asked(self, url: str = "") -> AsyncIterator[Caller]:
        """A caller of a catalog that has all this, in a file or at `url`."""
        ids = [product["id"] for product in self.products]
        async with (
            served(self.folder, self.products, self.log, url) as address,
            aio.insecure_channel(address) as channel,
        ):
            yield Caller(CatalogServiceStub(channel), ids, self.searches, self.random)


async def measure(say: Callable[[str], None]) -> list[Row]:
    """Reads and searches against their targets. Raises BenchUnavailable."""
    random = Random(1)  # noqa: S311 - choices, not secrets
    shop = json.loads(SHOP.read_text())
    with TemporaryDirectory(prefix="argosy-bench-") as folder:
        assortment = Assortment(made_of(shop, random), queries(shop, random), random, Path(folder))
        say(f"starting a catalog of {PRODUCTS} products")
        return [*await _on_sqlite(say, assortment), *await _on_postgresql(say, assortment)]


async def _on_sqlite(say: Callable[[str], None], assortment: Assortment) -> list[Row]:
    async with assortment.asked() as caller:
        say("reading and searching, in turn")
        calls = (caller.batch, caller.page, caller.search)
        rounds = [[await times(call) for call in calls] for _ in range(ROUNDS)]
    return rows(durations(await asyncio.to_thread(assortment.log.read_text)), rounds)


async def _on_postgresql(say: Callable[[str], None], assortment: Assortment) -> list[Row]:
    say("the same catalog on PostgreSQL")
    with database() as (url, analyze):
        async with assortment.asked(url) as caller:
            analyze()
            say("searching there")
            return rows_on_postgresql([await times(caller.search) for _ in range(ROUNDS)])


@contextmanager
def database() -> Iterator[tuple[str, Callable[[], None]]]:
    """An empty one on a PostgreSQL server of its own, and a way to tell its planner what it holds by now.

    Any other server's autovacuum does that within a minute. Raises BenchUnavailable.
    """
    try:
        with postgresql.running() as server:
            name = server.create("catalog")
            yield server.url(name), lambda: server.run("ANALYZE", name)
    except postgresql.NoServer as error:
        raise BenchUnavailable(str(error)) from error


def rows(logged: Mapping[str, Sequence[float]], rounds: Sequence[Sequence[Sequence[float]]]) -> list[Row]:
    """What the log and the rounds say, in milliseconds; each round of batches, of pages and of searches."""
    batches, pages, searches = zip(*rounds, strict=True)
    batch, page = (round(median(logged[method]), 2) for method in ("BatchGetProducts", "ListProducts"))
    return [
        Row.at_most("catalog: service time p50, 20 products by id", batch, 2, "ms"),
        Row.at_most("catalog: service time p50, a page of 20 products", page, 2, "ms"),
        Row.at_most(f"catalog: p99 of a search among {PRODUCTS} products, direct", _slowest(searches), 30, "ms"),
        Row.context("catalog: p50 of such a search, direct", _typical(searches), "ms"),
        Row.context("catalog: p50 of 20 products by id, direct", _typical(batches), "ms"),
        Row.context("catalog: p50 of a page of 20 products, direct", _typical(pages), "ms"),
    ]


def rows_on_postgresql(searches: Sequence[Sequence[float]]) -> list[Row]:
    """What the rounds of searches say, in milliseconds."""
    name = f"of a search among {PRODUCTS} products on PostgreSQL, direct"
    return [
        Row.at_most(f"catalog: p99 {name}", _slowest(searches), 30, "ms"),
        Row.context(f"catalog: p50 {name}", _typical(searches), "ms"),
    ]


def durations(log: str) -> dict[str, list[float]]:
    """The milliseconds of a service's calls by the methods' names, from its log."""
    found: dict[str, list[float]] = {}
    for line in map(json.loads, log.splitlines()):
        if "duration_ms" in line:
            found.setdefault(line["method"].rpartition("/")[2], []).append(line["duration_ms"])
    return found


def _slowest(rounds: Sequence[Sequence[float]]) -> float:
    return round(median(quantiles(each, n=100)[98] for each in rounds), 2)


def _typical(rounds: Sequence[Sequence[float]]) -> float:
    return round(median(map(median, rounds)), 2)


async def times(call: Callable[[], Answer]) -> list[float]:
    """Milliseconds of some calls, one after the other."""
    found = []
    for _ in range(CALLS):
        began = time.perf_counter()
        await call()
        found.append(1000 * (time.perf_counter() - began))
    return found


def made_of(shop: Sequence[dict[str, Any]], random: Random) -> list[dict[str, Any]]:
    """Many products out of the words of a few."""
    named = [word for product in shop for word in _words(product["name"])]
    told = [word for product in shop for word in _words(product["description"])]
    return [
        {
            "id": f"product-{number}",
            "name": " ".join(random.choices(named, k=3)),
            "description": " ".join(random.choices(told, k=20)),
            "category": random.choice(shop)["category"],
            "price": {"currency_code": "EUR", "units": random.randint(1, 200)},
        }
        for number in range(PRODUCTS)
    ]


def queries(shop: Sequence[dict[str, Any]], random: Random) -> list[str]:
    """What people look for."""
    known = sorted({word for product in shop for word in _words(f"{product['name']} {product['description']}")})
    return [_typed(random.choices(known, k=random.randint(1, 3)), random) for _ in range(1000)]


def _words(text: str) -> list[str]:
    return re.findall("[a-z]+", text.lower())


def _typed(wanted: Sequence[str], random: Random) -> str:
    begun = wanted[-1][: random.randint(2, len(wanted[-1]))] if len(wanted[-1]) > 1 else wanted[-1]
    return " ".join([*wanted[:-1], begun])


@asynccontextmanager
async def served(folder: Path, products: Sequence[dict[str, Any]], log: Path, url: str = "") -> AsyncIterator[str]:
    """The address of a catalog that has these products, in a file of `folder` or at `url`, and writes to `log`."""
    seed, address = folder / "products.json", f"unix:{folder}/catalog.sock"
    seed.write_text(json.dumps(products))
    settings = {
        "DATABASE_URL": url or f"sqlite+aiosqlite:///{folder}/catalog.db",
        "SEED_FILE": str(seed),
        "LISTEN_ADDRESS": address,
        "METRICS_ADDRESS": "127.0.0.1:0",
        "DRAIN_DELAY_SECONDS": "0",
    }
    command = [sys.executable, "-m", "services.catalog"]
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=CHECKOUT, env=os.environ | settings, stdout=written, stderr=asyncio.subprocess.DEVNULL
        )
    try:
        await _ready(address)
        yield address
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), ENDS_WITHIN)


async def _ready(address: str) -> None:
    async with aio.insecure_channel(address) as channel:
        try:
            await asyncio.wait_for(channel.channel_ready(), STARTS_WITHIN)
        except TimeoutError:
            raise BenchUnavailable(f"catalog did not start within {STARTS_WITHIN:.0f} s") from None
