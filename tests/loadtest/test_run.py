"""What does a run say about itself?"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from shop.catalog.v1 import catalog_pb2

from tests.loadtest.running import finish, run, start
from tests.loadtest.scripted_shop import ScriptedShop

pytestmark = pytest.mark.processes


async def test_a_good_run_passes_and_agrees_with_the_server_about_every_call(
    shop: ScriptedShop, tmp_path: Path
) -> None:
    ran = await run(shop.target, tmp_path, "--users", "20", "--run-time", "4s")
    assert ran.code == 0, ran.said
    assert ran.last_line.startswith("PASS")
    seen = {rpc: row["calls"] for rpc, row in ran.numbers["rpcs"].items()}
    probe = {"ListProducts": 1}
    assert {rpc: calls + probe.get(rpc, 0) for rpc, calls in seen.items()} == dict(shop.calls)
    assert {"ListProducts", "GetProduct", "SearchProducts", "PlaceOrder", "WatchOrder"} <= set(seen)
    assert ran.numbers["cut_off"] == 0
    assert "ListProducts" in (tmp_path / "load.html").read_text()


async def test_two_workers_share_the_users_and_both_report(shop: ScriptedShop, tmp_path: Path) -> None:
    ran = await run(shop.target, tmp_path, "--users", "10", "--run-time", "4s", "--workers", "2")
    assert ran.code == 0, ran.said
    assert sum(row["calls"] for row in ran.numbers["rpcs"].values()) == shop.calls.total() - 1


async def test_an_interrupted_run_still_shows_what_it_saw(shop: ScriptedShop, tmp_path: Path) -> None:
    process = await start(shop.target, tmp_path, "--users", "10", "--run-time", "1h")
    while shop.calls["GetProduct"] < 5:
        await asyncio.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    ran = await finish(process, tmp_path)
    assert ran.code == 1
    assert "FAIL interrupted after" in ran.last_line
    assert ran.numbers["rpcs"]["GetProduct"]["calls"] >= 5


async def test_a_dead_target_is_found_at_once_and_says_what_to_do(tmp_path: Path) -> None:
    ran = await run("127.0.0.1:1", tmp_path, "--run-time", "1h")
    assert ran.code == 1
    assert ran.last_line.startswith("FAIL no shop answers at 127.0.0.1:1 (UNAVAILABLE")
    assert "argosy up" in ran.last_line


async def test_an_empty_shop_is_no_target(shop: ScriptedShop, tmp_path: Path) -> None:
    async def nothing(_request: Any, _context: Any) -> Any:
        return catalog_pb2.ListProductsResponse()

    shop.scripts["ListProducts"] = nothing
    ran = await run(shop.target, tmp_path)
    assert (ran.code, ran.last_line) == (1, f"FAIL the shop at {shop.target} lists no products")


async def test_a_worker_that_is_killed_is_missed(shop: ScriptedShop, tmp_path: Path) -> None:
    process = await start(shop.target, tmp_path, "--users", "10", "--run-time", "5s", "--workers", "2")
    while shop.calls["GetProduct"] < 5:
        await asyncio.sleep(0.1)
    worker = next(each for each in psutil.Process(process.pid).children() if "--worker" in each.cmdline())
    worker.send_signal(signal.SIGKILL)
    ran = await finish(process, tmp_path)
    assert ran.code == 1
    assert "1 of 2 load generators left no result" in ran.said


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--run-time", "soon", "is not a duration"),
        ("--run-time", "0s", "is not a duration"),
        ("--users", "0", "should be"),
        ("--users", "501", "500 users is the most"),
        ("--rate", "-1", "should be"),
        ("--unavailable", "2", "should be"),
    ],
)
async def test_bad_options_are_wrong_usage(option: str, value: str, complaint: str, tmp_path: Path) -> None:
    ran = await run("127.0.0.1:1", tmp_path, option, value)
    assert ran.code == 2
    assert complaint in ran.said
