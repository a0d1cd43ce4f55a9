"""For whom is a call made? For the customer whose token the sidecar has verified, for a guest, or for nobody.

Istio verifies access tokens (docs/decisions/0027) and writes two of their claims into headers, which Envoy takes
away from whoever sends them itself. A call without them comes from a guest when it came in from outside, through
the gateway or the page; from any other caller, or where there is no mesh, it is a service's own.

What a customer may use is decided here once: ids that begin with `user-` belong to registered customers, and any
other is a guest's, who need not prove more than that they know it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.hosting.caller import caller_of
from services.hosting.errors import Forbidden, Unauthenticated

CUSTOMER_HEADER = "argosy-customer"
ROLE_HEADER = "argosy-role"
REGISTERED = "user-"
"""What the id of every registered customer begins with, and that of no guest."""

ADMIN = "admin"
_ENTRANCES = ("/sa/gateway", "/sa/storefront")


@dataclass(frozen=True, slots=True)
class Customer:
    """On whose behalf a call is made, and what that allows."""

    id: str  # empty for a guest, and for a service of ours
    admin: bool  # may use everybody's

    def may_use(self, customer_id: str) -> bool:
        """Whether what belongs to `customer_id` may be shown to and changed by this one."""
        return self.admin or not customer_id.startswith(REGISTERED) or customer_id == self.id

    def require_use(self, customer_id: str, field: str = "customer_id") -> None:
        """Raises Forbidden unless what belongs to `customer_id`, the request's `field`, may be used."""
        if not self.may_use(customer_id):
            raise Forbidden("NOT_YOURS", "belongs to a customer who is not the caller", field=field)

    def require_token(self) -> None:
        """Raises Unauthenticated unless the call says who is behind it."""
        if not self.id:
            raise Unauthenticated("TOKEN_MISSING", "an access token is needed: sign in first")

    def require_admin(self) -> None:
        """Raises Unauthenticated for a guest and Forbidden for a customer who is no admin."""
        if not self.admin:
            self.require_token()
            raise Forbidden("NOT_AN_ADMIN", "only an admin may do this")


GUEST = Customer("", admin=False)
"""Somebody outside without a token."""
INSIDE = Customer("", admin=True)
"""A service of ours for itself: what it may call is for the mesh to say."""


def customer_of(metadata: Iterable[tuple[str, str | bytes]] | None) -> Customer:
    """On whose behalf a call with this metadata is made."""
    metadata = tuple(metadata or ())
    ids = [str(value) for key, value in metadata if key == CUSTOMER_HEADER]
    roles = [str(value) for key, value in metadata if key == ROLE_HEADER]
    if ids or roles:
        # The sidecar writes each once. Whatever else this is, it is not its word.
        return Customer(ids[0], admin=roles == [ADMIN]) if len(ids) == 1 and ids[0] else GUEST
    return GUEST if caller_of(metadata).endswith(_ENTRANCES) else INSIDE
