"""What does a run say about itself?"""

import asyncio
import csv
import os
import signal
import sys
from pathlib import Path
from typing import Any

import grpc
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
    assert {"ListCategories", "SearchProducts", "ListProducts"} <= set(seen)
    assert ran.numbers["cut_off"] == 0
    assert "ListProducts" in (tmp_path / "load.html").read_text()
    rows = list(csv.DictReader((tmp_path / "load_stats.csv").read_text().splitlines()))
    assert {row["Type"] for row in rows if row["Name"] == "SearchProducts"} == {"OK"}  # a row for each RPC and status


async def test_two_workers_share_the_users_and_both_report(shop: ScriptedShop, tmp_path: Path) -> None:
    ran = await run(shop.target, tmp_path, "--users", "10", "--run-time", "4s", "--workers", "2")
    assert ran.code == 0, ran.said
    assert sum(row["calls"] for row in ran.numbers["rpcs"].values()) == shop.calls.total() - 1


async def test_a_worker_from_elsewhere_is_waited_for_and_reports(shop: ScriptedShop, tmp_path: Path) -> None:
    process = await start(shop.target, tmp_path, "--users", "10", "--run-time", "4s", "--workers-elsewhere", "1")
    worker = (sys.executable, "-m", "loadtest.worker", "127.0.0.1")
    elsewhere = await asyncio.create_subprocess_exec(*worker, stderr=asyncio.subprocess.DEVNULL)
    ran = await finish(process, tmp_path)
    assert ran.code == 0, ran.said
    assert sum(row["calls"] for row in ran.numbers["rpcs"].values()) == shop.calls.total() - 1
    assert await elsewhere.wait() == 0


@pytest.mark.parametrize(("workers", "run_time"), [("0", "30s"), ("2", "60s")])  # workers report every three seconds
async def test_the_breaking_point_is_found_and_no_failure(
    shop: ScriptedShop, tmp_path: Path, workers: str, run_time: str
) -> None:
    async def only_so_many(request: Any, context: Any) -> Any:
        if shop.calls["ListProducts"] > 10:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "scripted")
        return await shop.succeed("ListProducts", request, context)

    shop.scripts["ListProducts"] = only_so_many
    shape = ("--shape", "breakpoint", "--users", "40", "--run-time", run_time)
    ran = await run(shop.target, tmp_path, *shape, "--workers", workers)
    assert ran.code == 0, ran.said
    assert 0 < ran.numbers["broke_at_users"] < 40
    assert 0 < ran.numbers["seconds"] < 60
    assert f"the shop broke at {ran.numbers['broke_at_users']} users" in ran.said


async def test_a_shop_that_holds_is_not_broken(shop: ScriptedShop, tmp_path: Path) -> None:
    ran = await run(shop.target, tmp_path, "--users", "10", "--run-time", "10s", "--shape", "breakpoint")
    assert ran.code == 0, ran.said
    assert ran.numbers["broke_at_users"] is None


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
    assert ran.code == 4
    assert ran.last_line.startswith("FAIL no shop answers at 127.0.0.1:1 (UNAVAILABLE")
    assert "argosy up" in ran.last_line


async def test_an_empty_shop_is_no_target(shop: ScriptedShop, tmp_path: Path) -> None:
    async def nothing(_request: Any, _context: Any) -> Any:
        return catalog_pb2.ListProductsResponse()

    shop.scripts["ListProducts"] = nothing
    ran = await run(shop.target, tmp_path)
    assert (ran.code, ran.last_line) == (4, f"FAIL the shop at {shop.target} lists no products")


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
