"""What do programs get? The shop as JSON, described in /openapi.json."""

from __future__ import annotations

from fastapi import APIRouter

from services.storefront.api import accounts, carts, orders, products

ABOUT = """\
Guests name a `customer_id` of their own making (`guest-` and a UUID): whoever knows it may use it. Customers with an
account send the access token of `POST /api/sessions` as `Authorization: Bearer ...`. Errors are
`application/problem+json` (RFC 9457); `reason` is for programs."""

router = APIRouter()
for _part in (products, carts, orders, accounts):
    router.include_router(_part.router)
