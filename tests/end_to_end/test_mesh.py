"""The mesh is Istio's: every sidecar in step with istiod, every edge authorized, nothing in plaintext."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

import psutil
import pytest
from grpc import StatusCode
from shop.cart.v1 import cart_pb2
from shop.catalog.v1 import catalog_pb2
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2
from shop.recommendations.v1 import recommendations_pb2
from shop.users.v1 import users_pb2

from loadtest.open_loop import OpenLoop
from loadtest.shopper import Shopper
from mesh.demo import stranger
from mesh.running_shop import Shop
from tests.end_to_end.conftest import argosy

CONTRACTS = {
    "catalog": catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"],
    "inventory": inventory_pb2.DESCRIPTOR.services_by_name["InventoryService"],
    "payments": payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"],
    "orders": orders_pb2.DESCRIPTOR.services_by_name["OrdersService"],
    "users": users_pb2.DESCRIPTOR.services_by_name["UsersService"],
    "cart": cart_pb2.DESCRIPTOR.services_by_name["CartService"],
    "recommendations": recommendations_pb2.DESCRIPTOR.services_by_name["RecommendationsService"],
}


def all_of(service: str, *others_than: str) -> set[tuple[str, str]]:
    return {(service, method.name) for method in CONTRACTS[service].methods if method.name not in others_than}


# Who may call what inside the mesh: this table is the claim, the manifests are what is tested.
EDGES: Mapping[str, set[tuple[str, str]]] = {
    "orders": {
        ("catalog", "BatchGetProducts"),
        ("inventory", "Reserve"),
        ("inventory", "Commit"),
        ("inventory", "Release"),
        ("payments", "Charge"),
        ("payments", "Refund"),
        ("payments", "GetPayment"),
    },
    "auditor": {
        ("orders", "ListOrders"),
        ("payments", "ListPayments"),
        ("inventory", "ListReservations"),
        ("inventory", "ListStock"),
    },
    "reporter": {("orders", "ListOrders")},
    "recommendations": {("orders", "ListOrders"), ("orders", "GetOrder"), ("catalog", "ListProducts")},
    "seeder": {
        ("catalog", "ListProducts"),
        ("catalog", "CreateProduct"),
        ("inventory", "GetStock"),
        ("inventory", "Restock"),
    },
    # For people, and here without a token of anybody's: test_tokens.py.
    "storefront": {
        *all_of("catalog", "CreateProduct", "UpdateProduct"),
        *all_of("users", "GetProfile", "UpdateProfile", "ChangePassword"),
        *all_of("orders"),
        *all_of("cart"),
        *all_of("recommendations"),
        ("inventory", "GetStock"),
    },
    "catalog": set(),
    "default": set(),
}


@pytest.mark.parametrize("identity", EDGES)
async def test_exactly_the_edges_that_exist_are_allowed(shop: Shop, identity: str) -> None:
    calls = {
        f"{service}:50051/{contract.full_name}/{method.name}": (service, method.name)
        for service, contract in CONTRACTS.items()
        for method in contract.methods
    }
    answers = stranger.answers(await shop.run_once(f"as-{identity}", identity, stranger.command(*calls)))
    allowed = {calls[call] for call, code in answers.items() if code != StatusCode.PERMISSION_DENIED.name}
    assert allowed == EDGES[identity]
    assert set(answers) == set(calls)


async def test_every_sidecar_is_synced_and_no_configuration_was_rejected(shop: Shop) -> None:
    status = argosy("status", "--json")
    assert status.code == 0, status.out
    sidecars = [pod["sidecar"] for pod in status.json["pods"] if pod.get("sidecar")]
    assert len(sidecars) >= 7
    assert all(sidecar["synced"] for sidecar in sidecars)
    # Envoy's own count is seen on the local cluster only; elsewhere a refusal shows as not synced.
    assert not any(sidecar["rejected"] for sidecar in sidecars)


async def test_istioctl_finds_nothing_to_complain_about(shop: Shop) -> None:
    # The node starts each pod's proxy itself; the analyzer looks for containers that a webhook injected. And of every
    # EnvoyFilter it says that it is one.
    known = [f"{code}=*" for code in ("IST0103", "IST0146", "IST0147")] + ["IST0133=EnvoyFilter *"]
    suppressed = [word for each in known for word in ("--suppress", each)]
    done = argosy("istioctl", "analyze", "-n", "shop", *suppressed)
    assert done.code == 0, done.out + done.err


def has_only_loopback() -> bool:
    addresses = [each.address for all_of_one in psutil.net_if_addrs().values() for each in all_of_one]
    return all(ip_address(address).is_loopback for address in addresses if address.count(".") == 3)


@pytest.mark.skipif(has_only_loopback(), reason="istioctl asks istiod only where it finds a network address")
async def test_proxy_status_knows_every_sidecar(shop: Shop) -> None:
    done = argosy("istioctl", "proxy-status")
    assert done.code == 0, done.err
    for service in CONTRACTS:
        assert f"{service}-v1" in done.out


async def test_weights_move_traffic_without_a_failed_call(shop: Shop, shopper: Shopper) -> None:
    try:
        await shop.set_weights("catalog", {"v1": 50, "v2": 50})
        report = await OpenLoop(lambda _: shopper.get_product(), rate=50).run(calls=200)
    finally:
        await shop.set_weights("catalog", {"v1": 100, "v2": 0})
    assert not report.failures
    assert set(report.versions) == {"v1", "v2"}
    back = await OpenLoop(lambda _: shopper.get_product(), rate=50).run(calls=50)
    assert back.versions == {"v1": 50}
