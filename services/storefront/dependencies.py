"""What do the functions behind the routes ask for? A page in the making, a form of ours, the shop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Request

from services.storefront.forms import Form, form_of
from services.storefront.rendering import Page
from services.storefront.shop import Shop


class SignInFirst(Exception):
    """The page is for customers with an account."""


class AdminsOnly(Exception):
    """The page is for those who keep the shop."""


async def _page(request: Request) -> AsyncIterator[Page]:
    page = Page(request)
    if request.method == "GET":
        page.begin()
    try:
        yield page
    finally:
        await page.end()


async def _shop(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


async def _customers_page(page: Annotated[Page, Depends(_page)]) -> Page:
    if not page.visitor.signed_in:
        raise SignInFirst
    return page


async def _admins_page(page: Annotated[Page, Depends(_customers_page)]) -> Page:
    if not page.visitor.admin:
        raise AdminsOnly
    return page


ThePage: TypeAlias = Annotated[Page, Depends(_page)]
CustomersPage: TypeAlias = Annotated[Page, Depends(_customers_page)]
AdminsPage: TypeAlias = Annotated[Page, Depends(_admins_page)]
TheShop: TypeAlias = Annotated[Shop, Depends(_shop)]
TheForm: TypeAlias = Annotated[Form, Depends(form_of)]

ID = r"^[a-z0-9][a-z0-9-]*$"
UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
ProductId: TypeAlias = Annotated[str, Path(pattern=ID, max_length=64)]
OrderId: TypeAlias = Annotated[str, Path(pattern=UUID)]
