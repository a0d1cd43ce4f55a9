"""The patience orders has with each service fits into what orders itself promises."""

from __future__ import annotations

from services.hosting.settings import read_settings
from services.orders import policy
from services.orders.__main__ import OrdersSettings

METHODS = {name.rpartition("/")[2]: method for peer in policy.PEERS.values() for name, method in peer.methods.items()}


def test_no_step_outlasts_a_lease() -> None:
    addresses = dict.fromkeys(("CATALOG_SERVICE_ADDR", "INVENTORY_SERVICE_ADDR", "PAYMENTS_SERVICE_ADDR"), "a:1")
    lease = read_settings(OrdersSettings, addresses).order_lease_seconds
    assert 2 * max(method.timeout for method in METHODS.values()) < lease


def test_a_breaker_that_charges_opened_does_not_keep_refunds_back() -> None:
    assert METHODS["Charge"].group not in {METHODS["Refund"].group, METHODS["GetPayment"].group}


def test_only_prices_may_be_old() -> None:
    assert [name for name, method in METHODS.items() if method.fallback] == ["BatchGetProducts"]
