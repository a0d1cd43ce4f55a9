"""Who calls what, and how patiently? Read from what the services themselves go by: PEERS in services/*/policy.py."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from argosy.resilience.v1 import resilience_admin_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from shop.catalog.v1 import catalog_pb2
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from mesh.resilience import MethodPolicy

SERVICES = Path(__file__).parents[2] / "services"

Edge = tuple[str, str, str]
"""A caller's ServiceAccount, the service it calls, and a method's full path."""

CONTRACTS: dict[str, ServiceDescriptor] = {
    "catalog": catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"],
    "inventory": inventory_pb2.DESCRIPTOR.services_by_name["InventoryService"],
    "orders": orders_pb2.DESCRIPTOR.services_by_name["OrdersService"],
    "payments": payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"],
}
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
    for path, (service, method) in METHODS.items()
    if (service == "catalog" and method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS)
    or service == "orders"
    or path.endswith("/GetStock")
}
"""What people may do: read the catalog, see the stock, everything with orders."""


@cache
def inner_calls() -> dict[Edge, MethodPolicy]:
    """Every call of a service to another, with the caller's policy for it."""
    return {
        (file.parent.name, callee, path): policy
        for file in SERVICES.glob("*/policy.py")
        for callee, peer in getattr(importlib.import_module(f"services.{file.parent.name}.policy"), "PEERS", {}).items()
        for path, policy in peer.methods.items()
    }


def edges_needed() -> set[Edge]:
    return set(inner_calls()) | {("gateway", METHODS[path][0], path) for path in PUBLIC}
