from __future__ import annotations

import pytest
import sqlalchemy as sql
from shop.catalog.v1.catalog_pb2 import GetProductRequest, Product
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

from tests.hosting.databases import engine
from tests.storefront.browser import PASSWORD, Browser, Forms, found
from tests.storefront.harbour import Harbour

PATHS = ["/admin/products", "/admin/products/new", "/admin/products/sail", "/admin/stock", "/admin/orders"]


async def appointed(harbour: Harbour, browser: Browser) -> None:
    """Make this visitor an admin, as `python -m services.users grant` does, and sign in again."""
    email = await browser.register()
    with engine(harbour.databases.url("users")).begin() as database:
        database.execute(sql.text("UPDATE accounts SET role = 'admin' WHERE email = :email"), {"email": email})
    await browser.send(found(await browser.look("/"), "/sign-out"))
    await browser.send(await browser.form("/sign-in", "/sign-in"), email=email, password=PASSWORD)


async def product(harbour: Harbour, product_id: str) -> Product:
    catalog = CatalogServiceStub(harbour.services["catalog"])
    return (await catalog.GetProduct(GetProductRequest(product_id=product_id))).product


@pytest.mark.parametrize("path", PATHS)
async def test_guests_are_sent_to_sign_in_and_customers_are_refused(browser: Browser, path: str) -> None:
    assert (await browser.look(path)).url.path == "/sign-in"
    await browser.register()
    assert (await browser.look(path)).status_code == 403


@pytest.mark.parametrize("path", ["/admin/products", "/admin/products/sail", "/admin/stock"])
async def test_a_customer_s_own_form_token_opens_nothing(harbour: Harbour, browser: Browser, path: str) -> None:
    await browser.register()
    form = dict((await browser.form("/account", "/account")).fields)["form"]
    before = await product(harbour, "sail")
    answer = await browser.client.post(path, data={"form": form, "name": "Mine", "price": "0.01", "id": "mine"})
    assert answer.status_code == 403
    assert await product(harbour, "sail") == before


async def test_a_product_is_added_changed_and_seen(harbour: Harbour, browser: Browser) -> None:
    await appointed(harbour, browser)
    form = await browser.form("/admin/products/new", "/admin/products")
    typed = {"id": "oar", "name": "Ash oar", "price": "64,50", "category": "deck", "motif": "anchor", "palette": "sand"}
    made = await browser.send(form, **typed)
    assert made.url.path == "/admin/products/oar"
    assert "€64.50" in (await browser.look("/products/oar")).text
    saved = await browser.send(found(made, "/admin/products/oar"), price="60", motif="anchor", palette="navy")
    assert "Saved" in saved.text
    assert (await product(harbour, "oar")).picture == "anchor/navy"
    again = await browser.send(form, **typed | {"name": "Another oar"})
    assert (again.status_code, "another product with this id" in again.text) == (409, True)


async def test_what_somebody_else_changed_meanwhile_is_shown_and_not_overwritten_unseen(
    harbour: Harbour, browser: Browser
) -> None:
    await appointed(harbour, browser)
    mine = await browser.form("/admin/products/sail", "/admin/products/sail")
    theirs = await browser.form("/admin/products/sail", "/admin/products/sail")
    await browser.send(theirs, name="Their sail", motif="sail", palette="brass")
    conflict = await browser.send(mine, name="My sail", motif="sail", palette="brass")
    assert conflict.status_code == 409
    assert "Their sail" in conflict.text
    assert 'value="My sail"' in conflict.text
    assert (await product(harbour, "sail")).name == "Their sail"
    await browser.send(found(conflict, "/admin/products/sail"), motif="sail", palette="brass")
    assert (await product(harbour, "sail")).name == "My sail"


async def test_what_cannot_be_a_product_is_told_at_its_field(harbour: Harbour, browser: Browser) -> None:
    await appointed(harbour, browser)
    form = await browser.form("/admin/products/new", "/admin/products")
    answer = await browser.send(form, id="No Good", name="", price="cheap", category="Above Deck")
    assert answer.status_code == 422
    for name in ("id", "name", "price"):
        assert f'id="{name}-says"' in answer.text


async def test_a_delivery_sent_twice_is_entered_once(harbour: Harbour, browser: Browser) -> None:
    await appointed(harbour, browser)
    page = await browser.look("/admin/stock")
    form = next(form for form in Forms(page.text).forms if ("product_id", "compass") in form.fields)
    before = stock_of(page.text, "compass")
    for _ in range(2):
        answer = await browser.send(form, quantity="7")
        assert "in the books" in answer.text
    assert stock_of(answer.text, "compass") == before + 7


async def test_an_admin_sees_the_orders_of_all(harbour: Harbour, browser: Browser, another: Browser) -> None:
    await another.register()
    bought = await another.buy("mug")
    await appointed(harbour, browser)
    assert bought.url.path in (await browser.look("/admin/orders")).text
    assert (await browser.look(bought.url.path)).status_code == 200


def stock_of(page: str, product_id: str) -> int:
    row = page.split(f'href="/admin/products/{product_id}"')[1].split("</tr>", maxsplit=1)[0]
    return int(row.split('class="number">')[1].split("<")[0].replace(",", ""))
