"""How patiently does orders call the services behind it?

Every method named here may be sent twice: reads by nature, the others by their key.
The numbers fit into PLACE_SECONDS one after another when nothing is retried, and the
caller's deadline, which every call inherits, cuts them short when something is.
"""

from __future__ import annotations

from mesh.resilience import BreakerPolicy, BudgetPolicy, MethodPolicy, PeerPolicy

PLACE_SECONDS = 4.0
"""The longest PlaceOrder takes before it turns back, also for a caller that would wait longer."""

_CATALOG_SERVICE = "/shop.catalog.v1.CatalogService/"
_INVENTORY_SERVICE = "/shop.inventory.v1.InventoryService/"
_PAYMENTS_SERVICE = "/shop.payments.v1.PaymentsService/"

_WRITE = MethodPolicy(timeout=2.5, per_try_timeout=0.8, idempotent=True, group="write")
_CHARGE = MethodPolicy(timeout=3.0, per_try_timeout=1.0, idempotent=True, group="charge")
# A breaker of their own: what charges have opened must not keep back the refunds they need.
_REFUND = MethodPolicy(timeout=3.0, per_try_timeout=1.0, idempotent=True, group="refund")

# A tenth more calls, the usual budget, makes up for a tenth of them failing. Reads of products are cheap, and
# an order lost for want of a price is not: half again as many, until the breaker sees that nothing comes back.
_READS = BudgetPolicy(ratio=0.5)
_WRITES = BudgetPolicy(ratio=0.25)

CATALOG = PeerPolicy(
    budget=_READS,
    methods={
        _CATALOG_SERVICE + "BatchGetProducts": MethodPolicy(
            timeout=1.5, per_try_timeout=0.5, idempotent=True, group="read"
        ),
    },
)
INVENTORY = PeerPolicy(
    budget=_WRITES,
    methods={
        _INVENTORY_SERVICE + "Reserve": _WRITE,
        _INVENTORY_SERVICE + "Commit": _WRITE,
        _INVENTORY_SERVICE + "Release": _WRITE,
    },
)
PAYMENTS = PeerPolicy(
    methods={
        _PAYMENTS_SERVICE + "Charge": _CHARGE,
        _PAYMENTS_SERVICE + "Refund": _REFUND,
        _PAYMENTS_SERVICE + "GetPayment": _REFUND,
    },
    # Customers wait for their money: look often whether refunds are possible again.
    breakers={"refund": BreakerPolicy(open_limit=10.0)},
)
