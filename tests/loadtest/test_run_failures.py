"""What does a run say about a shop that fails?"""

from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from tests.loadtest.running import run
from tests.loadtest.scripted_shop import ScriptedShop, fail, hang

pytestmark = pytest.mark.processes


async def test_a_hung_rpc_is_counted_and_does_not_slow_the_others(shop: ScriptedShop, tmp_path: Path) -> None:
    # More users hang than gevent's own thread pool would bear: see loadtest/locust_process.py.
    shop.scripts["ListCategories"] = hang
    ran = await run(shop.target, tmp_path, "--users", "60", "--run-time", "6s")
    assert ran.code == 1
    statuses = {(row["rpc"], row["code"]): row for row in ran.numbers["statuses"]}
    hung = statuses["ListCategories", "DEADLINE_EXCEEDED"]
    assert hung["calls"] == shop.calls["ListCategories"] > 20
    assert statuses["ListProducts", "OK"]["p50_ms"] < hung["p50_ms"] / 4
    assert "ListCategories was never answered" in ran.last_line


async def test_an_error_of_the_shop_fails_the_run_and_is_named_with_its_status(
    shop: ScriptedShop, tmp_path: Path
) -> None:
    async def sometimes(request: Any, context: Any) -> Any:
        if shop.calls["GetProduct"] % 2:
            await context.abort(StatusCode.INTERNAL, "scripted")
        return await shop.succeed("GetProduct", request, context)

    shop.scripts["GetProduct"] = sometimes
    ran = await run(shop.target, tmp_path, "--users", "20", "--run-time", "3s")
    assert ran.code == 1
    assert "broken, budget 0.00% (GetProduct INTERNAL" in ran.last_line


async def test_failures_within_the_declared_budget_pass(shop: ScriptedShop, tmp_path: Path) -> None:
    async def once(request: Any, context: Any) -> Any:
        if shop.calls["GetProduct"] == 1:
            await context.abort(StatusCode.UNAVAILABLE, "scripted")
        return await shop.succeed("GetProduct", request, context)

    shop.scripts["GetProduct"] = once
    ran = await run(shop.target, tmp_path, "--users", "20", "--run-time", "3s", "--unavailable", "0.5")
    assert ran.code == 0, ran.said
    assert ran.numbers["kinds"]["unavailable"] == 1


async def test_a_refused_card_that_pays_fails_the_run(shop: ScriptedShop, tmp_path: Path) -> None:
    async def pays(request: Any, context: Any) -> Any:
        request.card.number = "4242424242424242"
        return await shop.succeed("PlaceOrder", request, context)

    shop.scripts["PlaceOrder"] = pays
    ran = await run(shop.target, tmp_path, "--users", "300", "--run-time", "8s")
    assert ran.code == 1, ran.said
    assert "PlaceOrder OK" in ran.last_line


async def test_an_rpc_that_always_fails_with_a_business_code_is_refused_not_unavailable(
    shop: ScriptedShop, tmp_path: Path
) -> None:
    shop.scripts["SearchProducts"] = fail(StatusCode.PERMISSION_DENIED)
    ran = await run(shop.target, tmp_path, "--users", "20", "--run-time", "3s")
    assert ran.code == 1
    assert ran.numbers["kinds"]["refused"] == shop.calls["SearchProducts"] > 0
