"""Bring products and their stock into a running shop: `python -m services.seeder [--json]`.

Settings from the environment, as of any service. Exit code 0: all of SEED_FILE is there; 1: a service refuses some of
it; 2: wrong usage or settings, or SEED_FILE is not a list of products; 3: a service does not answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic.dataclasses import dataclass
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub

from services.hosting import Host, HostSettings, logs
from services.hosting.pages import Unreadable
from services.hosting.settings import HostAndPort, settings_or_exit
from services.seeder import policy
from services.seeder.goods import Goods, NotGoods, read_goods
from services.seeder.seeding import Seeded, Seeding, Told

REFUSED, NOT_GOODS, NO_ANSWER = 1, 2, 3


@dataclass(frozen=True, kw_only=True)
class SeederSettings(HostSettings):
    """What is brought, and to whom."""

    service_name: str = "seeder"
    seed_file: Path
    catalog_service_addr: HostAndPort
    inventory_service_addr: HostAndPort


async def seed(settings: SeederSettings, goods: Sequence[Goods], told: Told) -> Seeded:
    """Bring the goods in. Raises Unreadable."""
    host = Host(settings)
    async with (
        host.peer("catalog", settings.catalog_service_addr, policy.PEERS["catalog"]) as catalog,
        host.peer("inventory", settings.inventory_service_addr, policy.PEERS["inventory"]) as inventory,
    ):
        return await Seeding(catalog.stub(CatalogServiceStub), inventory.stub(InventoryServiceStub), told).run(goods)


def main() -> int:
    """Seed, and say by the exit code how that ended."""
    parser = argparse.ArgumentParser(
        prog="python -m services.seeder",
        description="Add the products of SEED_FILE that catalog has not, and the stock of those that inventory has"
        " never received. What is there is left alone: it may be run any number of times.",
        epilog="example: SEED_FILE=products.json python -m services.seeder --json",
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON: a line for each step, the last with the result"
    )
    arguments = parser.parse_args()
    settings = settings_or_exit(SeederSettings, os.environ)
    logs.configure(settings, sys.stderr)
    try:
        seeded = asyncio.run(seed(settings, read_goods(settings.seed_file), _json_step if arguments.json else _step))
    except NotGoods as error:
        return _problem(f"SEED_FILE={settings.seed_file} is not a list of products: {error}", NOT_GOODS, arguments.json)
    except Unreadable as error:
        return _problem(str(error), NO_ANSWER if error.transient else REFUSED, arguments.json)
    _say(json.dumps(seeded.facts()) if arguments.json else _sentence(seeded))
    return 0


def _sentence(seeded: Seeded) -> str:
    changed = f"; left as they are: {', '.join(seeded.changed)}" if seeded.changed else ""
    return f"{seeded.goods} products: {seeded.added} added, {seeded.stocked} given stock{changed}"


def _step(what: str, done: int, of: int) -> None:
    if done == of:
        _say(f"{what}: {done} added")


def _json_step(what: str, done: int, of: int) -> None:
    _say(json.dumps({"adding": what, "done": done, "of": of}))


def _problem(problem: str, code: int, as_json: bool) -> int:  # noqa: FBT001 - how it is said
    if as_json:
        _say(json.dumps({"problem": problem, "code": code}))
    else:
        sys.stderr.write(f"{problem}\n")
    return code


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # whoever follows a long work wants to see it


if __name__ == "__main__":
    sys.exit(main())
