"""What do the API's answers look like, and what does it take? The contracts of the services, in JSON's way."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from shop.cart.v1 import cart_pb2
from shop.catalog.v1 import catalog_pb2
from shop.money.v1 import money_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from services.storefront import progress

ProductIdText: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
Quantity: TypeAlias = Annotated[int, Field(ge=1, le=100, strict=True)]


class Model(BaseModel):
    """A JSON object whose keys are all known."""

    model_config = ConfigDict(extra="forbid")


class Money(Model):
    """An amount: units + nanos / 10^9 of a currency."""

    currency_code: str = Field(pattern="^[A-Z]{3}$", examples=["EUR"])
    units: int = Field(ge=0, le=1_000_000, strict=True)
    nanos: int = Field(default=0, ge=0, le=999_999_999, strict=True)

    def message(self) -> money_pb2.Money:
        """As services know it."""
        return money_pb2.Money(currency_code=self.currency_code, units=self.units, nanos=self.nanos)


class Product(Model):
    """One thing the shop sells."""

    id: str
    name: str
    description: str
    price: Money
    category: str
    picture_url: str = Field(description="An SVG.")


class Products(Model):
    """One page of products."""

    products: list[Product]
    next_page_token: str = Field(description="Empty on the last page.")


class Category(Model):
    """Where products are to be found."""

    id: str
    product_count: int


class Recommendation(Model):
    """What else somebody might like, and why."""

    product_id: str
    reason: str


class CartItem(Model):
    """Pieces of one product."""

    product_id: ProductIdText
    quantity: Quantity
    seen_price: Money | None = None


class Cart(Model):
    """What somebody is about to buy."""

    customer_id: str
    items: list[CartItem]


class NewQuantity(Model):
    """How many pieces there shall be; 0 takes the product out."""

    quantity: int = Field(ge=0, le=100, strict=True)
    seen_price: Money | None = None


class OrderLine(Model):
    """How many of which product."""

    product_id: ProductIdText
    quantity: Quantity
    unit_price: Money | None = Field(default=None, description="What was shown; another price now: PRICE_CHANGED.")


class Card(Model):
    """A payment card. Never stored, logged or traced."""

    number: str = Field(pattern="^[0-9]{12,19}$")
    expiry_month: int = Field(ge=1, le=12, strict=True)
    expiry_year: int = Field(ge=2000, le=2100, strict=True)
    security_code: str = Field(pattern="^[0-9]{3,4}$")

    def message(self) -> payments_pb2.Card:
        """As services know it."""
        return payments_pb2.Card(**self.model_dump())


class NewOrder(Model):
    """What to buy."""

    customer_id: str = Field(default="", max_length=64, description="A guest's; empty with a token.")
    lines: list[OrderLine] = Field(min_length=1, max_length=50)
    currency_code: str = Field(default="EUR", pattern="^[A-Z]{3}$")
    card: Card


State: TypeAlias = Literal["PENDING", "RESERVED", "CHARGED", "CONFIRMED", "COMPENSATING", "FAILED", "CANCELLED"]


class Order(Model):
    """One order."""

    order_id: str
    customer_id: str
    lines: list[OrderLine]
    total: Money | None
    state: State
    failure_reason: str
    failure_explanation: str
    create_time: str
    update_time: str
    version: int


class Orders(Model):
    """One page of orders, the newest first."""

    orders: list[Order]
    next_page_token: str


def money(message: money_pb2.Money) -> Money:
    return Money(currency_code=message.currency_code, units=message.units, nanos=message.nanos)


def product(message: catalog_pb2.Product) -> Product:
    return Product(
        id=message.id,
        name=message.name,
        description=message.description,
        price=money(message.price),
        category=message.category,
        picture_url=f"/pictures/{message.id}.svg",
    )


def cart(message: cart_pb2.Cart) -> Cart:
    items = [
        CartItem(
            product_id=item.product_id,
            quantity=item.quantity,
            seen_price=money(item.seen_price) if item.HasField("seen_price") else None,
        )
        for item in message.items
    ]
    return Cart(customer_id=message.customer_id, items=items)


def order(message: orders_pb2.Order) -> Order:
    lines = [
        OrderLine(
            product_id=line.product_id,
            quantity=line.quantity,
            unit_price=money(line.unit_price) if line.HasField("unit_price") else None,
        )
        for line in message.lines
    ]
    return Order.model_validate(
        {
            "order_id": message.order_id,
            "customer_id": message.customer_id,
            "lines": lines,
            "total": money(message.total) if message.HasField("total") else None,
            "state": progress.state_name(message),
            "failure_reason": message.failure_reason,
            "failure_explanation": message.failure_explanation,
            "create_time": message.create_time.ToJsonString(),
            "update_time": message.update_time.ToJsonString(),
            "version": message.version,
        }
    )
