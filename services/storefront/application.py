"""What is the storefront made of? Its routes, what stands around them, and what becomes of errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from services.hosting.http_server import Asgi
from services.storefront import api, failures
from services.storefront.keys import Keys
from services.storefront.pages import (
    account,
    admin_orders,
    admin_products,
    admin_stock,
    browsing,
    cart,
    checkout,
    home,
    orders,
    plain,
    product,
    sign_in,
)
from services.storefront.rendering import environment
from services.storefront.renewing import Renewals
from services.storefront.safety import Safety
from services.storefront.sessions import Sessions
from services.storefront.shop import Shop
from services.storefront.views import Views

HERE = Path(__file__).parent
PAGES = (
    home,
    browsing,
    product,
    cart,
    checkout,
    orders,
    sign_in,
    account,
    admin_products,
    admin_stock,
    admin_orders,
    plain,
)


def application(
    shop: Shop,
    views: Views,
    *,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    leaving: asyncio.Event,
    facts: Mapping[str, str],
) -> Asgi:
    """The storefront; `facts` say which process this is."""
    keys, renewals = Keys(shop.users, monotonic, now), Renewals(shop.users, monotonic)
    app = FastAPI(
        title="Argosy",
        summary="The shop's products, carts, orders and accounts, as JSON.",
        description=api.ABOUT,
        version="1",
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(Sessions, keys=keys, renewals=renewals)],
    )
    app.state.shop, app.state.views, app.state.keys = shop, views, keys
    app.state.now, app.state.leaving, app.state.host_facts = now, leaving, facts
    app.state.templates = environment()
    for pages in PAGES:
        app.include_router(pages.router, include_in_schema=False)
    app.include_router(api.router, prefix="/api")
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    failures.handled(app)
    return Safety(app)  # outside of everything: what breaks says no more than what does not


def endless(path: str) -> bool:
    """Whether the answer at this path lasts as long as its reader likes."""
    return path.startswith("/orders/") and path.endswith("/events")
