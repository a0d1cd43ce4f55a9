"""What do visitors do, and does every choice come from their own generator?"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass
from shop.catalog.v1 import catalog_pb2
from shop.orders.v1 import orders_pb2

from loadtest.contract import method_of
from loadtest.journeys import SHOP, Call, Journey, Visitor, pick

PRODUCTS = ("brass-compass", "enamel-mug", "manila-rope")
ORDER_ID = "7d7d9a1c-3c5c-4a1e-9f0e-2d1f4b7a9c11"


def visitor(seed: int = 1) -> Visitor:
    return Visitor("customer-1", Random(seed))  # noqa: S311


def answer(call: Call) -> Any:
    """What a shop in order answers."""
    match call.request:
        case catalog_pb2.ListProductsRequest():
            return catalog_pb2.ListProductsResponse(products=[catalog_pb2.Product(id=each) for each in PRODUCTS])
        case orders_pb2.PlaceOrderRequest():
            return orders_pb2.PlaceOrderResponse(order=orders_pb2.Order(order_id=ORDER_ID))
    method = method_of(call.request)
    message = GetMessageClass(method.output_type)()
    return [message] if method.server_streaming else message


def calls(journey: Journey, whose: Visitor) -> list[Call]:
    story = journey.visit(whose)
    made = [next(story)]
    while True:
        try:
            made.append(story.send(answer(made[-1])))
        except StopIteration:
            return made


def names(made: list[Call]) -> list[str]:
    return [method_of(call.request).name for call in made]


@pytest.mark.parametrize("journey", SHOP, ids=lambda journey: journey.name)
def test_every_call_has_a_deadline_and_every_visit_an_end(journey: Journey) -> None:
    assert all(call.timeout > 0 for call in calls(journey, visitor()))


def test_visits_of_all_kinds_call_what_customers_call() -> None:
    made = {name for journey in SHOP for name in names(calls(journey, visitor()))}
    assert made == {
        *("ListCategories", "ListProducts", "SearchProducts", "GetProduct", "RecordView", "GetStock"),
        *("AddItem", "SetItem", "GetCart", "CheckOut"),
        *("PlaceOrder", "WatchOrder", "GetOrder", "ListOrders", "CancelOrder"),
        "ListRecommendations",
    }


def test_the_same_seed_shops_the_same_way() -> None:
    def shopped(seed: int) -> list[list[str]]:
        whose = visitor(seed)
        return [names(calls(pick(SHOP, whose.random), whose)) for _ in range(20)]

    assert shopped(1) == shopped(1)
    assert shopped(1) != shopped(2)


def test_what_is_ordered_was_in_the_cart_and_leaves_it() -> None:
    made = calls(next(each for each in SHOP if each.name == "order"), visitor())
    (placed,) = (call.request for call in made if isinstance(call.request, orders_pb2.PlaceOrderRequest))
    ordered = [(line.product_id, line.quantity) for line in placed.lines]
    assert [(call.request.item.product_id, call.request.item.quantity) for call in made[1:-2]] == ordered  # type: ignore[attr-defined]
    assert [(item.product_id, item.quantity) for item in made[-1].request.items] == ordered  # type: ignore[attr-defined]


def test_journeys_come_as_often_as_they_weigh() -> None:
    random = Random(1)  # noqa: S311
    seen = Counter(pick(SHOP, random).name for _ in range(10_000))
    weights = sum(each.weight for each in SHOP)
    for journey in SHOP:
        assert seen[journey.name] == pytest.approx(10_000 * journey.weight / weights, rel=0.25)
