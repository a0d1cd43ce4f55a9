from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.storefront.browser import PASSWORD, Browser, found, order_id
from tests.storefront.harbour import Harbour


async def sign_in(browser: Browser, email: str, password: str = PASSWORD, to: str = "/") -> Any:
    return await browser.send(await browser.form(f"/sign-in?to={to}", "/sign-in"), email=email, password=password)


async def test_an_account_is_made_signed_out_of_and_signed_in_to(browser: Browser) -> None:
    email = await browser.register("/orders")
    home = await browser.look("/")
    assert "Jason" in home.text
    gone = await browser.send(found(home, "/sign-out"))
    assert "You are signed out" in gone.text
    assert "Jason" not in gone.text
    back = await sign_in(browser, email, to="/cart")
    assert back.url.path == "/cart"
    assert "Welcome aboard" in back.text


async def test_a_wrong_password_and_an_unknown_address_are_told_alike(browser: Browser) -> None:
    email = await browser.register()
    browser.client.cookies.clear()
    wrong = await sign_in(browser, email, "not the password")
    unknown = await sign_in(browser, "nobody@ship.example", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    said = "do not go together"
    assert said in wrong.text
    assert said in unknown.text


async def test_an_address_that_has_an_account_is_told_at_its_field(browser: Browser, another: Browser) -> None:
    email = await browser.register()
    form = await another.form("/register", "/register")
    answer = await another.send(form, name="Medea", email=email.upper(), password=PASSWORD)
    assert answer.status_code == 409
    assert "has an account already" in answer.text
    assert 'aria-describedby="email-says"' in answer.text


async def test_a_short_password_is_told_at_its_field_and_the_rest_is_kept(browser: Browser) -> None:
    form = await browser.form("/register", "/register")
    answer = await browser.send(form, name="Jason", email="j@ship.example", password="short")
    assert answer.status_code == 422
    assert 'id="password-says"' in answer.text
    assert 'value="j@ship.example"' in answer.text
    assert "short" not in answer.text.replace('short"', "")


async def test_what_a_guest_has_chosen_comes_along(browser: Browser) -> None:
    email = await browser.register()
    await browser.put_in("mug", 1)
    await browser.send(found(await browser.look("/"), "/sign-out"))
    await browser.put_in("mug", 2)
    await browser.put_in("rope", 1)
    cart = await sign_in(browser, email, to="/cart")
    assert "4 pieces" in cart.text
    await browser.send(found(cart, "/sign-out"))
    assert "There is nothing in it yet" in (await browser.look("/cart")).text


async def test_without_cart_one_signs_in_and_is_told_that_the_cart_stays(harbour: Harbour, browser: Browser) -> None:
    email = await browser.register()
    browser.client.cookies.clear()
    with harbour.sidecars.without("cart"):
        answer = await sign_in(browser, email)
    assert "could not be brought along" in answer.text


async def test_a_customer_s_order_is_nobody_else_s_to_see_or_cancel(
    harbour: Harbour, browser: Browser, another: Browser
) -> None:
    await browser.register()
    bought = await browser.buy("mug")
    path = f"/orders/{order_id(bought)}"
    cancel = dict(found(bought, f"{path}/cancel").fields)
    for stranger in (another, Browser(another.client)):
        assert (await stranger.look(path)).status_code == 404
        assert (await stranger.look(f"{path}/events")).status_code == 404
        form = await stranger.form("/sign-in", "/sign-in")
        cancel["form"] = dict(form.fields)["form"]
        assert (await stranger.client.post(f"{path}/cancel", data=cancel)).status_code == 404
        assert order_id(bought) not in (await stranger.look("/orders")).text
        await another.register()
    assert 'data-state="CONFIRMED"' in (await browser.look(path)).text


async def test_a_guest_s_order_is_for_whoever_knows_where_it_is(browser: Browser, another: Browser) -> None:
    bought = await browser.buy("mug")
    assert (await another.look(bought.url.path)).status_code == 200


async def test_a_page_for_customers_sends_guests_to_sign_in_and_back(browser: Browser) -> None:
    answer = await browser.look("/account")
    assert answer.url.path == "/sign-in"
    assert dict(found(answer, "/sign-in").fields)["to"] == "/account"


async def test_a_profile_is_changed(browser: Browser) -> None:
    await browser.register()
    form = await browser.form("/account", "/account")
    answer = await browser.send(form, name="Captain <b>Jason</b>", address="Pier 4\nIolcos")
    assert "Saved" in answer.text
    assert "Captain &lt;b&gt;Jason&lt;/b&gt;" in answer.text
    late = await browser.send(form, name="Pelias")
    assert late.status_code == 409
    assert "changed elsewhere meanwhile" in late.text
    assert "Pelias" not in late.text


async def test_a_password_is_changed_and_the_old_one_is_void(browser: Browser) -> None:
    email = await browser.register()
    form = await browser.form("/account", "/account/password")
    wrong = await browser.send(form, old_password="not the password", new_password="another quiet harbour")
    assert (wrong.status_code, "not the password you have now" in wrong.text) == (422, True)
    changed = await browser.send(form, old_password=PASSWORD, new_password="another quiet harbour")
    assert changed.url.path == "/sign-in"
    assert (await sign_in(browser, email)).status_code == 401
    assert (await sign_in(browser, email, "another quiet harbour")).status_code == 200


async def test_when_the_access_token_is_over_the_refresh_token_goes_on(harbour: Harbour, browser: Browser) -> None:
    await browser.register()
    before = browser.client.cookies["argosy_refresh"]
    browser.client.cookies.delete("argosy_access")
    assert (await browser.look("/account")).url.path == "/account"
    assert browser.client.cookies["argosy_refresh"] != before
    assert "argosy_access" in browser.client.cookies


async def test_several_pages_at_once_use_a_refresh_token_once(harbour: Harbour, browser: Browser) -> None:
    await browser.register()
    browser.client.cookies.delete("argosy_access")
    cookie = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    used = harbour.sidecars.calls["Refresh"]
    async with harbour.visitor() as tabs:
        answers = await asyncio.gather(*(tabs.get("/account", headers={"cookie": cookie}) for _ in range(5)))
    assert {answer.url.path for answer in answers} == {"/account"}
    assert harbour.sidecars.calls["Refresh"] == used + 1
    assert (await browser.look("/account")).url.path == "/account"


async def test_a_refresh_token_that_is_void_makes_a_guest(browser: Browser) -> None:
    await browser.register()
    browser.client.cookies.clear()
    browser.client.cookies.set("argosy_refresh", "made-up", domain="shop.test", path="/")
    answer = await browser.look("/account")
    assert answer.url.path == "/sign-in"
    assert "argosy_refresh" not in browser.client.cookies


async def test_while_users_is_away_the_signed_in_are_guests_and_stay_signed_in(
    harbour: Harbour, browser: Browser
) -> None:
    await browser.register()
    browser.client.cookies.delete("argosy_access")
    with harbour.sidecars.without("users"):
        page = await browser.look("/products/mug")
        assert 'data-degraded="users"' in page.text
        assert page.status_code == 200
    assert (await browser.look("/account")).url.path == "/account"


def forged(token: str, how: str) -> str:
    header, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    kid = jwt.get_unverified_header(token)["kid"]
    mine = ec.generate_private_key(ec.SECP256R1())
    match how:
        case "another key":
            return jwt.encode(claims, mine, "ES256", {"kid": kid})
        case "no algorithm":
            return jwt.encode(claims, None, "none", {"kid": kid})  # type: ignore[arg-type]
        case "unknown key":
            return jwt.encode(claims, mine, "ES256", {"kid": "nobody's"})
        case "another body":
            other = base64.urlsafe_b64encode(json.dumps(claims | {"role": "admin"}).encode()).decode().rstrip("=")
            return f"{header}.{other}.{signature}"
    return how


@pytest.mark.parametrize("how", ["another key", "no algorithm", "unknown key", "another body", "a.b.c", "x" * 9000])
async def test_a_forged_token_is_nobody_s(browser: Browser, how: str) -> None:
    await browser.register()
    token = forged(browser.client.cookies["argosy_access"], how)
    browser.client.cookies.delete("argosy_access")
    browser.client.cookies.delete("argosy_refresh")
    browser.client.cookies.set("argosy_access", token, domain="shop.test", path="/")
    assert (await browser.look("/account")).url.path == "/sign-in"
    assert (await browser.look("/admin/products")).url.path == "/sign-in"


async def test_throttled_sign_ins_say_how_long_to_wait(browser: Browser) -> None:
    email = await browser.register()
    browser.client.cookies.clear()
    began = time.monotonic()
    while (answer := await sign_in(browser, email, "not the password")).status_code == 401:
        assert time.monotonic() - began < 30
    assert answer.status_code == 429
    assert "Too many tries" in answer.text
