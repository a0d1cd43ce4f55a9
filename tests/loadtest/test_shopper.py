from typing import Any

import grpc
import pytest
from grpc import StatusCode

from loadtest.open_loop import OpenLoop
from loadtest.outcome import Kind
from loadtest.shopper import open_shopper
from loadtest.shopping import OVER, REFUSED_CARDS
from tests.loadtest.scripted_shop import ScriptedShop, fail, hang, refuse


async def test_an_outcome_says_who_answered(shop: ScriptedShop) -> None:
    async with open_shopper(shop.target) as shopper:
        outcome = await shopper.place_order()
        assert (outcome.code, outcome.kind) == (StatusCode.OK, Kind.OK)
        assert (outcome.pod, outcome.version) == ("scripted-1", "v1")
        assert outcome.order_id == shop.orders[0].idempotency_key


async def test_a_failed_call_says_who_answered_and_does_not_raise(shop: ScriptedShop) -> None:
    shop.scripts["GetProduct"] = fail(StatusCode.INTERNAL)
    async with open_shopper(shop.target) as shopper:
        outcome = await shopper.get_product()
    assert (outcome.code, outcome.kind, outcome.detail) == (StatusCode.INTERNAL, Kind.BROKEN, "scripted")
    assert (outcome.pod, outcome.version) == ("scripted-1", "v1")


async def test_a_card_that_is_declined_as_it_should_be_is_an_expected_outcome(shop: ScriptedShop) -> None:
    async with open_shopper(shop.target) as shopper:
        outcomes = [await shopper.place_order(card=card) for card in REFUSED_CARDS]
    assert {outcome.kind for outcome in outcomes} == {Kind.EXPECTED}
    assert [outcome.reason for outcome in outcomes] == [card.refusal for card in REFUSED_CARDS]


async def test_an_empty_shelf_is_an_expected_outcome(shop: ScriptedShop) -> None:
    shop.scripts["PlaceOrder"] = lambda _, context: refuse(context, StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    async with open_shopper(shop.target) as shopper:
        assert (await shopper.place_order()).kind is Kind.EXPECTED


async def test_pressing_the_button_again_repeats_the_same_order(shop: ScriptedShop) -> None:
    async def fail_twice(request: Any, context: Any) -> Any:
        keys.append(request.idempotency_key)
        if len(keys) < 3:
            await context.abort(StatusCode.UNAVAILABLE, "scripted")
        return await shop.succeed("PlaceOrder", request, context)

    keys: list[str] = []
    shop.scripts["PlaceOrder"] = fail_twice
    async with open_shopper(shop.target) as shopper:
        outcome = await shopper.place_order(presses=5, pause=0)
    assert (outcome.code, outcome.tries) == (StatusCode.OK, 3)
    assert len(set(keys)) == 1


@pytest.mark.parametrize("reason", sorted(OVER))
async def test_an_order_that_came_to_nothing_is_placed_anew(shop: ScriptedShop, reason: str) -> None:
    async def come_to_nothing_once(request: Any, context: Any) -> Any:
        requests.append(request)
        if len(requests) == 1:
            return await refuse(context, StatusCode.UNAVAILABLE, reason)
        return await shop.succeed("PlaceOrder", request, context)

    requests: list[Any] = []
    shop.scripts["PlaceOrder"] = come_to_nothing_once
    async with open_shopper(shop.target) as shopper:
        outcome = await shopper.place_order(presses=5, pause=0)
    assert (outcome.code, outcome.tries) == (StatusCode.OK, 2)
    first, second = requests
    assert first.idempotency_key != second.idempotency_key
    assert first.lines == second.lines


async def test_nobody_presses_again_after_an_answer(shop: ScriptedShop) -> None:
    shop.scripts["PlaceOrder"] = fail(StatusCode.INVALID_ARGUMENT)
    async with open_shopper(shop.target) as shopper:
        outcome = await shopper.place_order(presses=5, pause=0)
    assert (outcome.kind, outcome.tries) == (Kind.REFUSED, 1)
    assert shop.calls["PlaceOrder"] == 1


async def test_one_press_is_the_default(shop: ScriptedShop) -> None:
    shop.scripts["PlaceOrder"] = fail(StatusCode.UNAVAILABLE)
    async with open_shopper(shop.target) as shopper:
        assert (await shopper.place_order()).tries == 1
    assert shop.calls["PlaceOrder"] == 1


async def test_a_hung_server_costs_the_deadline_and_is_counted(shop: ScriptedShop) -> None:
    shop.scripts["GetProduct"] = hang
    async with open_shopper(shop.target) as shopper:
        report = await OpenLoop(lambda _: shopper.get_product(timeout=0.2), rate=100).run(calls=10)
    assert report.codes == {"DEADLINE_EXCEEDED": 10}
    assert len(report.failures) == 10


async def test_nobody_shops_at_a_dead_target() -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async with open_shopper("127.0.0.1:1"):
            pass
    assert raised.value.code() is StatusCode.UNAVAILABLE
