"""`python -m services.seeder` as a process: what it prints and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.orders.shop import Shop, shop_without_orders
from tests.seeder.goods import entry

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop_without_orders(tmp_path) as shop:
        yield shop


async def seeder(address: str, folder: Path, entries: Any, *arguments: str) -> tuple[int, list[str], str]:
    """Exit code, lines and errors."""
    file = folder / "goods.json"
    file.write_text(json.dumps(entries))
    addresses = {f"{service}_SERVICE_ADDR": address for service in ("CATALOG", "INVENTORY")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.seeder", *arguments),
        cwd=CHECKOUT,
        env=os.environ | ({"SEED_FILE": str(file)} | addresses if address else {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode().splitlines(), err.decode()


async def test_it_says_what_it_has_done_to_people_and_programs(shop: Shop, tmp_path: Path) -> None:
    goods = [entry("sign"), entry("bell")]
    code, lines, _ = await seeder(shop.relay_address, tmp_path, goods)
    assert (code, lines[-1]) == (0, "2 products: 2 added, 2 given stock")
    code, lines, _ = await seeder(shop.relay_address, tmp_path, [*goods, entry("horn")], "--json")
    assert code == 0
    assert list(map(json.loads, lines)) == [
        {"adding": "products", "done": 1, "of": 1},
        {"adding": "stock", "done": 1, "of": 1},
        {"products": 3, "added": 1, "stocked": 1, "left_as_they_are": []},
    ]


async def test_what_is_no_product_ends_with_2_before_anybody_is_asked(tmp_path: Path) -> None:
    code, lines, err = await seeder("127.0.0.1:1", tmp_path, [entry("Sign")])
    assert (code, lines) == (2, [])
    assert "entry 0: id" in err


async def test_a_shop_that_does_not_answer_ends_with_3(tmp_path: Path) -> None:
    code, lines, _ = await seeder("127.0.0.1:1", tmp_path, [entry("sign")], "--json")
    said = json.loads(lines[-1])
    assert (code, said["code"]) == (3, 3)
    assert said["problem"].startswith("catalog: UNAVAILABLE")


async def test_missing_settings_and_wrong_usage_end_with_2(tmp_path: Path) -> None:
    code, _, err = await seeder("", tmp_path, [])
    assert (code, err.split()[0]) == (2, "SEED_FILE")
    assert (await seeder("127.0.0.1:1", tmp_path, [], "--jsn"))[0] == 2
