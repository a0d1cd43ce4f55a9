"""The patience orders has with each service fits into the patience its callers have with orders."""

from __future__ import annotations

import pytest

from mesh.resilience import PeerPolicy
from services.hosting.settings import read_settings
from services.orders import peers
from services.orders.__main__ import OrdersSettings

POLICIES = {"catalog": peers.CATALOG, "inventory": peers.INVENTORY, "payments": peers.PAYMENTS}
ON_THE_WAY_FORWARD = ("BatchGetProducts", "Reserve", "Charge", "Commit")


ALL = {name.rpartition("/")[2]: method for policy in POLICIES.values() for name, method in policy.methods.items()}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_every_method_is_tried_three_times_at_most_and_none_is_unbounded(policy: PeerPolicy) -> None:
    for method in policy.methods.values():
        assert method.idempotent
        assert method.most_attempts <= 3
        assert method.per_try_timeout is not None


def test_one_slow_try_of_every_step_fits_into_the_budget() -> None:
    assert sum(ALL[name].try_timeout for name in ON_THE_WAY_FORWARD) <= peers.PLACE_SECONDS


def test_no_step_outlasts_a_lease() -> None:
    addresses = dict.fromkeys(("CATALOG_SERVICE_ADDR", "INVENTORY_SERVICE_ADDR", "PAYMENTS_SERVICE_ADDR"), "a:1")
    lease = read_settings(OrdersSettings, addresses).order_lease_seconds
    assert 2 * max(method.timeout for method in ALL.values()) < lease


def test_a_breaker_that_charges_opened_does_not_keep_refunds_back() -> None:
    assert ALL["Charge"].group not in {ALL["Refund"].group, ALL["GetPayment"].group}
