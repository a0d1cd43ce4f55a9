"""A call is made for whom the sidecar says, and reaches what belongs to that one and no further."""

from __future__ import annotations

import pytest

from services.hosting.customer import GUEST, INSIDE, Customer, customer_of
from services.hosting.errors import Forbidden, Unauthenticated

ME = "user-0b7e54f2-3b1c-4a68-9d2e-5f1a6b0c7d8e"
ANOTHER = "user-5f1a6b0c-3b1c-4a68-9d2e-0b7e54f27d8e"
CUSTOMER, ADMIN = Customer(ME, admin=False), Customer(ME, admin=True)

GATEWAY, STOREFRONT, ORDERS = (
    ("x-forwarded-client-cert", f"By=spiffe://cluster.local/ns/shop/sa/me;URI=spiffe://cluster.local/ns/shop/sa/{name}")
    for name in ("gateway", "storefront", "orders")
)
NAME, ROLE = ("argosy-customer", ME), ("argosy-role", "customer")
AS_ADMIN = ("argosy-role", "admin")


@pytest.mark.parametrize(
    ("metadata", "behind"),
    [
        ([GATEWAY, NAME, ROLE], CUSTOMER),
        ([STOREFRONT, NAME, ROLE], CUSTOMER),
        ([STOREFRONT, NAME, AS_ADMIN], ADMIN),
        ([NAME], CUSTOMER),
        ([GATEWAY], GUEST),
        ([STOREFRONT], GUEST),
        ([ORDERS], INSIDE),
        ([], INSIDE),
        (None, INSIDE),
    ],
)
def test_a_call_is_made_for_a_customer_a_guest_or_a_service(
    metadata: list[tuple[str, str]] | None, behind: Customer
) -> None:
    assert customer_of(metadata) == behind


@pytest.mark.parametrize(
    "metadata",
    [
        [ORDERS, NAME, ("argosy-customer", ANOTHER), AS_ADMIN],  # two names are nobody's word
        [ORDERS, ("argosy-customer", ""), AS_ADMIN],
        [ORDERS, AS_ADMIN],
        [AS_ADMIN],
    ],
)
def test_headers_that_no_sidecar_writes_make_a_guest_never_an_insider(metadata: list[tuple[str, str]]) -> None:
    assert customer_of(metadata) == GUEST


@pytest.mark.parametrize("roles", [[ROLE, AS_ADMIN], [AS_ADMIN, AS_ADMIN], [("argosy-role", "Admin")], []])
def test_only_one_role_that_is_admin_makes_an_admin(roles: list[tuple[str, str]]) -> None:
    assert customer_of([GATEWAY, NAME, *roles]) == CUSTOMER


@pytest.mark.parametrize(
    ("behind", "whose", "may"),
    [
        (CUSTOMER, ME, True),
        (CUSTOMER, ANOTHER, False),
        (CUSTOMER, "guest-1", True),
        (CUSTOMER, "", True),
        (GUEST, "guest-1", True),
        (GUEST, ME, False),
        (GUEST, "user-", False),
        (ADMIN, ANOTHER, True),
        (INSIDE, ANOTHER, True),
    ],
)
def test_what_is_a_registered_customer_s_is_for_that_one_and_an_admin(
    behind: Customer, whose: str, *, may: bool
) -> None:
    assert behind.may_use(whose) is may
    if may:
        behind.require_use(whose)
    else:
        with pytest.raises(Forbidden) as refused:
            behind.require_use(whose)
        assert (refused.value.reason, refused.value.violations[0].field) == ("NOT_YOURS", "customer_id")


def test_only_who_has_a_token_passes_where_one_is_needed() -> None:
    CUSTOMER.require_token()
    for nobody in (GUEST, INSIDE):
        with pytest.raises(Unauthenticated) as refused:
            nobody.require_token()
        assert refused.value.reason == "TOKEN_MISSING"


def test_only_an_admin_and_a_service_pass_where_an_admin_is_needed() -> None:
    ADMIN.require_admin()
    INSIDE.require_admin()
    with pytest.raises(Unauthenticated):
        GUEST.require_admin()
    with pytest.raises(Forbidden) as refused:
        CUSTOMER.require_admin()
    assert refused.value.reason == "NOT_AN_ADMIN"
