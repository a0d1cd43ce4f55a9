"""How long do a read of 20 products and a search among 10 000 take?

A catalog as it is shipped, in a process of its own on a SQLite file, asked directly, one call at a time. Service times
are what the catalog itself writes into its log; the others are a caller's, so they hold gRPC's at both ends. Products
are made of the words of the shop's own, searches of one to three of these words, the last one often only begun. Reads
and searches take turns, and a caller's number is the median of several rounds: a neighbour's burst hits one of them.
"""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from grpc import aio
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

from loadtest.bench.row import BenchUnavailable, Row

CHECKOUT = Path(__file__).parents[2]
SHOP = CHECKOUT / "k8s" / "base" / "products" / "products.json"
PRODUCTS, READ_AT_ONCE = 10_000, 20
ROUNDS, CALLS = 5, 300  # in each round
STARTS_WITHIN, ENDS_WITHIN, TIMEOUT = 120.0, 30.0, 30.0  # seconds

Call = Callable[[], aio.UnaryUnaryCall[Any, Any]]


async def measure(say: Callable[[str], None]) -> list[Row]:
    """Reads and searches against their targets. Raises BenchUnavailable."""
    random = Random(1)  # noqa: S311 - choices, not secrets
    shop = json.loads(SHOP.read_text())
    products = made_of(shop, random)
    with TemporaryDirectory(prefix="argosy-bench-") as folder:
        say(f"starting a catalog of {PRODUCTS} products")
        log = Path(folder, "catalog.log")
        async with served(Path(folder), products, log) as address, aio.insecure_channel(address) as channel:
            stub = CatalogServiceStub(channel)
            ids, searches = [product["id"] for product in products], queries(shop, random)
            batch: Call = lambda: stub.BatchGetProducts(  # noqa: E731 - three of a kind
                pb.BatchGetProductsRequest(product_ids=random.sample(ids, READ_AT_ONCE)), timeout=TIMEOUT
            )
            page: Call = lambda: stub.ListProducts(  # noqa: E731
                pb.ListProductsRequest(page_size=READ_AT_ONCE), timeout=TIMEOUT
            )
            search: Call = lambda: stub.SearchProducts(  # noqa: E731
                pb.SearchProductsRequest(query=random.choice(searches), page_size=READ_AT_ONCE), timeout=TIMEOUT
            )
            say("reading and searching, in turn")
            rounds = [[await times(call) for call in (batch, page, search)] for _ in range(ROUNDS)]
        return rows(durations(await asyncio.to_thread(log.read_text)), rounds)


def rows(logged: Mapping[str, Sequence[float]], rounds: Sequence[Sequence[Sequence[float]]]) -> list[Row]:
    """What the log and the rounds say, in milliseconds; each round of batches, of pages and of searches."""
    batches, pages, searches = zip(*rounds, strict=True)
    slowest = median(quantiles(each, n=100)[98] for each in searches)
    batch, page = (round(median(logged[method]), 2) for method in ("BatchGetProducts", "ListProducts"))
    return [
        Row.at_most("catalog: service time p50, 20 products by id", batch, 2, "ms"),
        Row.at_most("catalog: service time p50, a page of 20 products", page, 2, "ms"),
        Row.at_most(f"catalog: p99 of a search among {PRODUCTS} products, direct", round(slowest, 2), 30, "ms"),
        Row.context("catalog: p50 of such a search, direct", _typical(searches), "ms"),
        Row.context("catalog: p50 of 20 products by id, direct", _typical(batches), "ms"),
        Row.context("catalog: p50 of a page of 20 products, direct", _typical(pages), "ms"),
    ]


def durations(log: str) -> dict[str, list[float]]:
    """The milliseconds of a service's calls by the methods' names, from its log."""
    found: dict[str, list[float]] = {}
    for line in map(json.loads, log.splitlines()):
        if "duration_ms" in line:
            found.setdefault(line["method"].rpartition("/")[2], []).append(line["duration_ms"])
    return found


def _typical(rounds: Sequence[Sequence[float]]) -> float:
    return round(median(map(median, rounds)), 2)


async def times(call: Call) -> list[float]:
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
async def served(folder: Path, products: Sequence[dict[str, Any]], log: Path) -> AsyncIterator[str]:
    """The address of a catalog that has these products and writes to `log`."""
    seed, address = folder / "products.json", f"unix:{folder}/catalog.sock"
    seed.write_text(json.dumps(products))
    settings = {
        "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/catalog.db",
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
