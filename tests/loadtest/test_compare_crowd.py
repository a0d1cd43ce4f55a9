"""Sixteen callers and the wait for a shop that is well, against a real server with scripted answers."""

import asyncio
from typing import Any

import pytest
from grpc import StatusCode

from loadtest import wellness
from loadtest.compare import crowd
from loadtest.compare.crowd import CALLERS, LOOKS, pace, pace_of
from loadtest.outcome import Kind, Outcome
from loadtest.shopper import open_shopper
from loadtest.wellness import until_well
from tests.loadtest.scripted_shop import ScriptedShop, fail

CONFIRMED = Outcome(StatusCode.OK, Kind.OK)
REFUSED = Outcome(StatusCode.UNAVAILABLE, Kind.UNAVAILABLE, reason="PAYMENTS_UNAVAILABLE")


def test_a_pace_is_what_was_done_in_a_second_however_it_ended() -> None:
    found = pace_of([(2.0, CONFIRMED), (0.1, REFUSED), (0.2, REFUSED)], [CONFIRMED, REFUSED], seconds=2.0)
    assert (found.orders, found.confirmed, found.looks, found.p50) == (1.5, 0.5, 0.5, 0.2)
    assert found.codes == {"OK": 1, "UNAVAILABLE PAYMENTS_UNAVAILABLE": 2}


async def test_every_caller_looks_three_times_and_waits_for_its_order(
    shop: ScriptedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "PAUSE", 0.0)
    together, gate = 0, asyncio.Event()

    async def when_all_wait(request: Any, context: Any) -> Any:
        nonlocal together
        together += 1
        if together == CALLERS:
            gate.set()
        await gate.wait()
        return await shop.succeed("PlaceOrder", request, context)

    shop.scripts["PlaceOrder"] = when_all_wait
    async with open_shopper(shop.target) as shopper:
        await pace(shopper, 0.05)
    assert together >= CALLERS  # nobody went on before all sixteen were in PlaceOrder at once
    assert shop.calls["GetProduct"] == LOOKS * shop.calls["PlaceOrder"]


@pytest.mark.parametrize("well", [True, False])
async def test_a_shop_is_well_when_orders_have_been_good_for_a_while(
    shop: ScriptedShop, monkeypatch: pytest.MonkeyPatch, well: bool
) -> None:
    monkeypatch.setattr(wellness, "CLEAN_SECONDS", 0.3)
    monkeypatch.setattr(wellness, "LONGEST", 0.6)
    if not well:
        shop.scripts["PlaceOrder"] = fail(StatusCode.UNAVAILABLE)
    async with open_shopper(shop.target) as shopper:
        report, found = await until_well(shopper)
    assert found is well
    assert len(report.samples) == shop.calls["PlaceOrder"] > 0
