"""Who calls what, and how patiently? Read from what the services themselves go by: PEERS in services/*/policy.py."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from argosy.resilience.v1 import resilience_admin_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from shop.cart.v1 import cart_pb2
from shop.catalog.v1 import catalog_pb2
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2
from shop.recommendations.v1 import recommendations_pb2
from shop.users.v1 import users_pb2

from mesh.resilience import MethodPolicy

FOLDER = Path(__file__).parents[2] / "services"

Edge = tuple[str, str, str]
"""A caller's ServiceAccount, the service it calls, and a method's full path."""

CONTRACTS: dict[str, ServiceDescriptor] = {
    "cart": cart_pb2.DESCRIPTOR.services_by_name["CartService"],
    "catalog": catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"],
    "inventory": inventory_pb2.DESCRIPTOR.services_by_name["InventoryService"],
    "orders": orders_pb2.DESCRIPTOR.services_by_name["OrdersService"],
    "payments": payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"],
    "recommendations": recommendations_pb2.DESCRIPTOR.services_by_name["RecommendationsService"],
    "users": users_pb2.DESCRIPTOR.services_by_name["UsersService"],
}
"""Every service with a contract."""
PAGES = "storefront"
"""The one without, which speaks HTTP with people."""
SERVICES = {*CONTRACTS, PAGES}
METHODS: dict[str, tuple[str, MethodDescriptor]] = {
    f"/{contract.full_name}/{method.name}": (service, method)
    for service, contract in CONTRACTS.items()
    for method in contract.methods
}
"""Every method by its path, with the service that has it."""
ADMINISTRATION = f"/{resilience_admin_pb2.DESCRIPTOR.services_by_name['ResilienceAdminService'].full_name}/"
"""What every service serves besides, to its operator."""
PUBLIC = {
    path
    for path, (service, _) in METHODS.items()
    if service in {"cart", "catalog", "orders", "recommendations", "users"}
    or path.endswith(("/GetStock", "/ListStock", "/Restock"))
}
"""What people may do, some of it only if they are somebody: everything but to reserve and to pay, which orders does."""
PEOPLE = {"gateway", PAGES}
"""Who calls for people, and shows their tokens."""
TOKEN, ADMIN = "token", "admin"
SHOWN = {
    path: needed
    for needed, names in {
        TOKEN: {"GetProfile", "UpdateProfile", "ChangePassword"},
        ADMIN: {"CreateProduct", "UpdateProduct", "ListStock", "Restock"},
    }.items()
    for path in METHODS
    if path.rpartition("/")[2] in names
}
"""What people have to show for it."""


@cache
def inner_calls() -> dict[Edge, MethodPolicy]:
    """Every call of a service to another, with the caller's policy for it."""
    return {
        (file.parent.name, callee, path): policy
        for file in FOLDER.glob("*/policy.py")
        for callee, peer in getattr(importlib.import_module(f"services.{file.parent.name}.policy"), "PEERS", {}).items()
        for path, policy in peer.methods.items()
    }


def edges_needed() -> set[Edge]:
    return set(inner_calls()) | {("gateway", METHODS[path][0], path) for path in PUBLIC}
