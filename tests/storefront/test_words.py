"""What the pure parts say: money, baskets, states, outcomes, pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as some
from shop.cart.v1.cart_pb2 import CartItem
from shop.catalog.v1.catalog_pb2 import Product
from shop.money.v1.money_pb2 import Money
from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2 import Order, OrderLine

from services.storefront import basket, money, outcomes, progress
from services.storefront.basket import Line
from services.storefront.pages.sign_in import local
from services.storefront.pictures import drawing
from services.storefront.pictures.palettes import PALETTES
from services.storefront.refusals import Refusal

MONEY = some.builds(
    Money,
    currency_code=some.sampled_from(["EUR", "JPY", "CHF"]),
    units=some.integers(0, 1_000_000),
    nanos=some.integers(0, 999_999_999),
)


def eur(units: int, nanos: int = 0) -> Money:
    return Money(currency_code="EUR", units=units, nanos=nanos)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (eur(12, 500_000_000), "€12.50"),
        (eur(1_000_000), "€1,000,000.00"),
        (eur(0, 1), "€0.000000001"),
        (Money(currency_code="JPY", units=1500), "¥1,500"),
        (Money(currency_code="CHF", units=3), "CHF 3.00"),
    ],
)
def test_amounts_are_shown_exactly(amount: Money, shown: str) -> None:
    assert money.shown(amount) == shown


@given(MONEY)
def test_what_a_field_is_filled_with_is_read_back_as_it_was(amount: Money) -> None:
    assert money.typed(money.editable(amount), amount.currency_code) == amount


@pytest.mark.parametrize("text", ["", "-1", "1e3", "12.", ".5", "1 000", "1.0000000001", "9999999", "\u0661", "NaN"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert money.typed(text, "EUR") is None


@given(some.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True), some.integers(1, 100), MONEY)
def test_a_line_is_read_as_it_was_written(product_id: str, quantity: int, price: Money) -> None:
    line = Line(Product(id=product_id, price=price), quantity)
    assert basket.read([line.written]) == [OrderLine(product_id=product_id, quantity=quantity, unit_price=price)]


@given(some.lists(some.text(), max_size=3))
def test_whatever_else_stands_in_a_form_is_no_line(written: list[str]) -> None:
    assert basket.read(written) is None


def test_a_product_named_twice_is_no_order() -> None:
    line = Line(Product(id="mug", price=eur(1)), 1).written
    assert basket.read([line, line]) is None


def test_a_basket_remarks_what_has_changed_and_names_what_has_gone() -> None:
    items = [
        CartItem(product_id="mug", quantity=2, seen_price=eur(10)),
        CartItem(product_id="rope", quantity=1, seen_price=eur(32)),
        CartItem(product_id="gone", quantity=1),
    ]
    products = {"mug": Product(id="mug", price=eur(12)), "rope": Product(id="rope", price=eur(32))}
    made = basket.basket(items, products)
    assert [line.remark for line in made.lines] == ["The price has changed: it was €10.00, and is more now.", ""]
    assert [item.product_id for item in made.gone] == ["gone"]
    assert (made.total, made.pieces, made.currencies) == ("€56.00", 3, ["EUR"])


@pytest.mark.parametrize("state", [value for value in orders_pb2.OrderState.values() if value])
def test_every_state_has_words_and_steps(state: int) -> None:
    order = Order(state=state)  # type: ignore[arg-type]
    assert progress.sentence(order).endswith((".", "!"))
    steps = progress.steps(order)
    assert all(step.name and step.about for step in steps)
    assert [step.state for step in steps].count("current") == (state in {1, 2, 3})


def test_a_confirmed_order_has_all_steps_behind_it() -> None:
    assert {step.state for step in progress.steps(Order(state=orders_pb2.ORDER_STATE_CONFIRMED))} == {"done"}


@pytest.mark.parametrize(
    ("said", "same_key"),
    [
        (Refusal(HTTPStatus.SERVICE_UNAVAILABLE), True),
        (Refusal(HTTPStatus.GATEWAY_TIMEOUT), True),
        (Refusal(HTTPStatus.BAD_GATEWAY), True),
        (Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "PAYMENTS_UNAVAILABLE", facts={"order_id": "1"}), False),
        (Refusal(HTTPStatus.CONFLICT, "CARD_DECLINED", facts={"order_id": "1"}), False),
        (Refusal(HTTPStatus.CONFLICT, "SOMETHING_NEW"), False),
        (Refusal(HTTPStatus.NOT_FOUND, "PRODUCT_NOT_FOUND"), False),
    ],
)
def test_only_what_nobody_knows_is_tried_again_under_the_same_key(said: Refusal, same_key: bool) -> None:
    came = outcomes.outcome(said)
    assert came.headline
    assert came.advice
    assert came.same_key is same_key


@pytest.mark.parametrize("motif", [*sorted(drawing.motifs()), "unknown", ""])
@pytest.mark.parametrize("palette", [*PALETTES, "unknown"])
def test_every_picture_is_drawn(motif: str, palette: str) -> None:
    picture = drawing.drawn("mug", f"{motif}/{palette}")
    ET.fromstring(picture)  # noqa: S314  # our own
    assert "$" not in picture
    assert ("parcel" in picture) == (motif not in drawing.motifs() or motif == "parcel")


def test_nothing_of_a_picture_s_name_is_drawn_that_we_have_not_written() -> None:
    assert "onload" not in drawing.drawn('"><svg onload=x>', '"><svg onload=x>/navy')


@given(some.text())
def test_a_way_back_stays_in_the_shop(path: str) -> None:
    way = local(path)
    assert way.startswith("/")
    assert not way.startswith(("//", "/\\"))
    assert way.isprintable()
