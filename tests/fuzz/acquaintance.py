"""What does the fuzz know before it begins? Ids, tokens and pages that mean something: the shop has been used."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.inventory.v1 import inventory_pb2
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub
from shop.users.v1 import users_pb2
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.hosting.customer import CUSTOMER_HEADER, ROLE_HEADER
from tests.fuzz.messages import Known
from tests.fuzz.shop_inside import Metadata, Target
from tests.hosting.administered import OPERATOR
from tests.orders.shop import DECLINED_CARD, GOOD_CARD, PRODUCTS, order_of

EMAIL, PASSWORD = "jason@example.com", "golden fleece, please"
GATEWAY = [
    ("x-forwarded-client-cert", "By=spiffe://cluster.local/ns/shop/sa/x;URI=spiffe://cluster.local/ns/shop/sa/gateway")
]
NOT_A_TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyLTEiLCJyb2xlIjoiYWRtaW4ifQ."


@dataclass(frozen=True)
class Acquaintance:
    """Values worth asking for, by field name, and those who ask, by the metadata of their calls."""

    known: Known
    callers: Sequence[Metadata]


def make_acquaintance(target: Target) -> Acquaintance:
    """Buy something, register somebody, turn a page; what was learnt."""
    return target.portal.call(_make_acquaintance, target.channels)


async def _make_acquaintance(channels: Mapping[str, grpc.aio.Channel]) -> Acquaintance:
    profile, tokens = await _registered(UsersServiceStub(channels["users"]))
    order = (await OrdersServiceStub(channels["orders"]).PlaceOrder(order_of(("mug", 2)), timeout=30)).order
    pages = await CatalogServiceStub(channels["catalog"]).ListProducts(catalog_pb2.ListProductsRequest(page_size=1))
    held = await _reserved(InventoryServiceStub(channels["inventory"]))
    customers = ["jason", "guest-00000000-0000-4000-8000-000000000001", profile.user_id]
    known: dict[str, Sequence[Any]] = {
        "product_id": [product["id"] for product in PRODUCTS],
        "id": [product["id"] for product in PRODUCTS],
        "order_id": [order.order_id],
        "reservation_id": [order.reservation_id, held],
        "idempotency_key": [str(uuid.UUID(int=n)) for n in (1, 2)] + [order.charge_idempotency_key],
        "charge_idempotency_key": [order.charge_idempotency_key],
        **dict.fromkeys(("customer_id", "from_customer_id", "into_customer_id"), customers),
        "currency_code": ["EUR", "EUR", "JPY"],
        "units": [12],
        "nanos": [0, 500_000_000],
        "number": [GOOD_CARD, DECLINED_CARD],
        "expiry_year": [2090],
        "page_token": ["", "", "", pages.next_page_token],
        "etag": ["", pages.products[0].etag, profile.etag],
        "query": ["mug", "ro"],
        "email": [EMAIL, profile.email],
        **dict.fromkeys(("password", "old_password", "new_password"), (PASSWORD,)),
        "refresh_token": [tokens.refresh_token],
        "callee": ["catalog", "orders"],
        "paths": ["name", "address", "email"],
    }
    return Acquaintance(known, _callers(profile.user_id, tokens.access_token))


async def _registered(users: UsersServiceStub) -> tuple[users_pb2.Profile, users_pb2.Tokens]:
    await users.Register(users_pb2.RegisterRequest(email=EMAIL, password=PASSWORD, name="Jason"))
    signed_in = await users.Login(users_pb2.LoginRequest(email=EMAIL, password=PASSWORD))
    return signed_in.profile, signed_in.tokens


async def _reserved(inventory: InventoryServiceStub) -> str:
    """A reservation that is still held."""
    request = inventory_pb2.ReserveRequest(
        reservation_id=str(uuid.uuid4()),
        order_id=str(uuid.uuid4()),
        lines=[inventory_pb2.StockLine(product_id="rope", quantity=1)],
    )
    return (await inventory.Reserve(request)).reservation.reservation_id


def _callers(user_id: str, token: str) -> Sequence[Metadata]:
    def bearing(role: str) -> Metadata:
        return [(CUSTOMER_HEADER, user_id), (ROLE_HEADER, role), ("authorization", f"Bearer {token}"), *GATEWAY]

    forged = [("authorization", f"Bearer {NOT_A_TOKEN}"), *GATEWAY]
    return [[], GATEWAY, bearing("customer"), bearing("admin"), forged, [("authorization", "Basic e30=")], OPERATOR]
