from __future__ import annotations

import asyncio

import pytest
from shop.inventory.v1.inventory_pb2 import GetStockRequest
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from shop.orders.v1.orders_pb2 import ListOrdersRequest, PlaceOrderRequest
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub

from tests.storefront.browser import DECLINED_CARD, EXPIRED_CARD, GOOD_CARD, POOR_CARD, Browser, Forms, found, order_id
from tests.storefront.harbour import Harbour


async def orders_of(harbour: Harbour, browser: Browser) -> int:
    asked = ListOrdersRequest(customer_id=browser.client.cookies["argosy_guest"])
    return len((await OrdersServiceStub(harbour.services["orders"]).ListOrders(asked)).orders)


async def sold(harbour: Harbour, product_id: str) -> int:
    asked = GetStockRequest(product_ids=[product_id])
    return (await InventoryServiceStub(harbour.services["inventory"]).GetStock(asked)).stock[0].committed


async def test_a_guest_finds_something_puts_it_in_pays_and_follows_the_order(browser: Browser) -> None:
    assert "/products/compass" in (await browser.look("/search?q=brass")).text
    cart = await browser.put_in("compass", 2)
    assert cart.url.path == "/cart"
    assert "€179.00" in cart.text
    bought = await browser.pay(await browser.form("/checkout", "/checkout"))
    assert bought.status_code == 200
    assert 'data-state="CONFIRMED"' in bought.text
    assert "Brass compass" in bought.text
    assert "There is nothing in it yet" in (await browser.look("/cart")).text
    assert order_id(bought) in (await browser.look("/orders")).text


async def test_a_form_sent_twice_buys_once(harbour: Harbour, browser: Browser) -> None:
    before = await sold(harbour, "rope")
    form = await browser.form("/checkout?product=rope", "/checkout")
    first = await browser.pay(form)
    second = await browser.pay(form)
    assert order_id(first) == order_id(second)
    assert await orders_of(harbour, browser) == 1
    assert await sold(harbour, "rope") == before + 1


async def test_a_double_click_buys_once(harbour: Harbour, browser: Browser) -> None:
    form = await browser.form("/checkout?product=rope", "/checkout")
    pages = await asyncio.gather(*(browser.pay(form) for _ in range(4)))
    assert len({order_id(page) for page in pages}) == 1
    assert await orders_of(harbour, browser) == 1


async def test_negative_control_two_forms_buy_twice(harbour: Harbour, browser: Browser) -> None:
    for _ in range(2):
        await browser.buy("rope")
    assert await orders_of(harbour, browser) == 2


async def test_a_form_used_for_another_order_says_so_and_buys_nothing(harbour: Harbour, browser: Browser) -> None:
    form = await browser.form("/checkout?product=rope", "/checkout")
    await browser.pay(form)
    other = await browser.form("/checkout?product=mug", "/checkout")
    key = dict(form.fields)["key"]
    answer = await browser.send(
        other, key=key, number=GOOD_CARD, expiry_month="1", expiry_year="2090", security_code="123"
    )
    assert answer.status_code == 409
    assert "used for another order" in answer.text
    assert dict(found(answer, "/checkout").fields)["key"] != key
    assert await orders_of(harbour, browser) == 1


@pytest.mark.parametrize(
    ("card", "said"),
    [(DECLINED_CARD, "declined this card"), (POOR_CARD, "not enough money"), (EXPIRED_CARD, "has expired")],
)
async def test_a_refused_card_is_explained_and_another_one_buys(browser: Browser, card: str, said: str) -> None:
    form = await browser.form("/checkout?product=mug", "/checkout")
    refused = await browser.pay(form, card)
    assert refused.status_code == 422
    assert said in refused.text
    assert "Nothing was charged" in refused.text
    assert card not in refused.text
    assert 'data-state="CONFIRMED"' in (await browser.pay(found(refused, "/checkout"))).text


async def test_a_refused_card_sent_again_by_a_reload_is_refused_again(harbour: Harbour, browser: Browser) -> None:
    form = await browser.form("/checkout?product=mug", "/checkout")
    assert {(await browser.pay(form, DECLINED_CARD)).status_code for _ in range(2)} == {422}
    assert await orders_of(harbour, browser) == 1


async def test_of_what_is_sold_out_the_page_says_how_much_is_left(browser: Browser) -> None:
    answer = await browser.buy("lantern", 6)
    assert answer.status_code == 409
    assert "too few pieces" in answer.text
    assert "Only 5 left" in answer.text
    await browser.see("/products/lantern", "Only 5 left")


async def test_another_price_than_shown_orders_nothing_and_is_shown(harbour: Harbour, browser: Browser) -> None:
    form = await browser.form("/checkout?product=mug", "/checkout")
    form.fields = [(name, value.replace("EUR 12.", "EUR 2.")) for name, value in form.fields]
    answer = await browser.pay(form)
    assert answer.status_code == 409
    assert "A price has changed" in answer.text
    assert "it was €2.50, and is more now" in answer.text
    assert await orders_of(harbour, browser) == 0
    assert 'data-state="CONFIRMED"' in (await browser.pay(found(answer, "/checkout"))).text


async def test_a_card_that_cannot_be_one_is_marked_and_nothing_is_asked(harbour: Harbour, browser: Browser) -> None:
    form = await browser.form("/checkout?product=mug", "/checkout")
    before = harbour.sidecars.calls["PlaceOrder"]
    answer = await browser.send(form, number="12", expiry_month="13", expiry_year="x", security_code="")
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 4
    assert 'role="alert"' in answer.text
    assert dict(found(answer, "/checkout").fields)["key"] == dict(form.fields)["key"]
    assert harbour.sidecars.calls["PlaceOrder"] == before


@pytest.mark.parametrize("line", ["mug", "mug*0@EUR 1.000000000", "mug*101@EUR 1.000000000", "../x*1@EUR 1.000000000"])
async def test_lines_that_no_page_has_written_are_not_bought(harbour: Harbour, browser: Browser, line: str) -> None:
    form = await browser.form("/checkout?product=mug", "/checkout")
    answer = await browser.send(
        form, line=line, number=GOOD_CARD, expiry_month="1", expiry_year="2090", security_code="123"
    )
    assert "This form is incomplete" in answer.text
    assert await orders_of(harbour, browser) == 0


async def test_what_is_bought_is_what_the_form_showed(harbour: Harbour, browser: Browser) -> None:
    harbour.sidecars.seen.clear()
    await browser.put_in("mug", 3)
    form = await browser.form("/checkout", "/checkout")
    await browser.put_in("rope", 1)  # in another tab, meanwhile
    await browser.pay(form)
    [request] = [PlaceOrderRequest.FromString(body) for name, body in harbour.sidecars.seen if name == "PlaceOrder"]
    assert [(line.product_id, line.quantity) for line in request.lines] == [("mug", 3)]
    assert request.lines[0].unit_price.units == 12
    assert "Manila rope" in (await browser.look("/cart")).text


async def test_a_cancelled_order_gives_the_pieces_back(harbour: Harbour, browser: Browser) -> None:
    bought = await browser.buy("rope")
    after = await sold(harbour, "rope")
    cancelled = await browser.send(found(bought, f"/orders/{order_id(bought)}/cancel"))
    assert 'data-state="CANCELLED"' in cancelled.text
    assert "is cancelled" in Forms(cancelled.text).text
    assert await sold(harbour, "rope") == after - 1
