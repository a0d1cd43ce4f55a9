from __future__ import annotations

import uuid
from typing import Any

import httpx2
import pytest

from tests.storefront.browser import DECLINED_CARD, GOOD_CARD, PASSWORD, Browser
from tests.storefront.harbour import Harbour

PROBLEM = "application/problem+json"
NO_ORDER = "c6d0c4ce-8756-4487-b38b-d544393cdbfa"


def guest() -> str:
    return f"guest-{uuid.uuid4()}"


def order_of(customer_id: str, number: str = GOOD_CARD, **line: Any) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "lines": [{"product_id": "mug", "quantity": 1} | line],
        "card": {"number": number, "expiry_month": 12, "expiry_year": 2090, "security_code": "123"},
    }


def key() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


def problem(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    return answer.status_code, body["reason"]


async def signed_in(browser: Browser) -> dict[str, str]:
    email = f"{uuid.uuid4()}@ship.example"
    account = {"email": email, "password": PASSWORD, "name": "Medea"}
    assert (await browser.client.post("/api/accounts", json=account)).status_code == 201
    session = (await browser.client.post("/api/sessions", json={"email": email, "password": PASSWORD})).json()
    return {"authorization": f"Bearer {session['access_token']}"}


async def test_a_program_finds_fills_a_cart_buys_and_cancels(browser: Browser) -> None:
    api, me = browser.client, guest()
    [found] = (await api.get("/api/products?q=brass")).json()["products"]
    assert found["price"] == {"currency_code": "EUR", "units": 89, "nanos": 500_000_000}
    cart = await api.post(f"/api/carts/{me}/items", json={"product_id": "compass", "quantity": 2}, headers=key())
    assert [item["quantity"] for item in cart.json()["items"]] == [2]
    cart = await api.put(f"/api/carts/{me}/items/compass", json={"quantity": 0})
    assert cart.json()["items"] == []
    once = key()
    first, second = [await api.post("/api/orders", json=order_of(me), headers=once) for _ in range(2)]
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.json()["state"] == "CONFIRMED"
    path = f"/api/orders/{first.json()['order_id']}"
    assert (await api.get(path)).json() == first.json()
    assert len((await api.get(f"/api/orders?customer_id={me}")).json()["orders"]) == 1
    assert (await api.post(f"{path}/cancel")).json()["state"] == "CANCELLED"


async def test_a_refused_purchase_says_why_and_which_order(browser: Browser) -> None:
    answer = await browser.client.post("/api/orders", json=order_of(guest(), DECLINED_CARD), headers=key())
    assert problem(answer) == (409, "CARD_DECLINED")
    assert uuid.UUID(answer.json()["order_id"])
    changed = order_of(guest(), unit_price={"currency_code": "EUR", "units": 1})
    assert problem(await browser.client.post("/api/orders", json=changed, headers=key())) == (409, "PRICE_CHANGED")


async def test_a_full_cart_refuses_in_the_words_that_the_document_has(browser: Browser) -> None:
    api, items = browser.client, f"/api/carts/{guest()}/items"
    for number in range(50):
        await api.put(f"{items}/p{number}", json={"quantity": 1})
    one_more = {"product_id": "mug", "quantity": 1}
    assert problem(await api.put(f"{items}/mug", json={"quantity": 1})) == (409, "CART_FULL")
    assert problem(await api.post(items, json=one_more, headers=key())) == (409, "CART_FULL")
    routes = (await api.get("/openapi.json")).json()["paths"]
    assert "409" in routes["/api/carts/{customer_id}/items/{product_id}"]["put"]["responses"]
    assert "409" in routes["/api/carts/{customer_id}/items"]["post"]["responses"]


async def test_a_customer_s_things_are_for_the_token_alone(browser: Browser) -> None:
    api, token, stranger = browser.client, await signed_in(browser), await signed_in(browser)
    me = (await api.get("/api/account", headers=token)).json()["customer_id"]
    bought = (await api.post("/api/orders", json=order_of(""), headers=token | key())).json()
    assert bought["customer_id"] == me
    for other in ({}, stranger):
        assert problem(await api.get(f"/api/orders/{bought['order_id']}", headers=other))[0] == 404
        assert problem(await api.post(f"/api/orders/{bought['order_id']}/cancel", headers=other))[0] == 404
        assert problem(await api.get(f"/api/carts/{me}", headers=other)) == (403, "NOT_YOURS")
        assert problem(await api.get(f"/api/orders?customer_id={me}", headers=other)) == (403, "NOT_YOURS")
        refused = await api.post("/api/orders", json=order_of(me), headers=other | key())
        assert problem(refused) == (403, "NOT_YOURS")
    assert len((await api.get("/api/orders", headers=token)).json()["orders"]) == 1


async def test_a_cookie_opens_nothing_here(browser: Browser) -> None:
    await browser.register()
    assert problem(await browser.client.get("/api/account")) == (401, "TOKEN_MISSING")


async def test_a_token_that_is_none_is_refused(browser: Browser) -> None:
    answer = await browser.client.get("/api/products/mug", headers={"authorization": "Bearer a.b.c"})
    assert answer.status_code == 200  # nobody asks who looks at products
    answer = await browser.client.get("/api/account", headers={"authorization": "Bearer a.b.c"})
    assert problem(answer) == (401, "TOKEN_INVALID")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 50_000,
        b'{"lines":' * 6_000,
        b'{"lines": []}',
        b"\xff\xfe",
        b'{"customer_id": "\\ud800"}',
        b'{"customer_id": "guest-1", "extra": 1}',
        b"null",
        b'"x"',
        b"1e999",
    ],
)
async def test_bodies_that_are_no_orders_are_problems_of_the_sender(browser: Browser, body: bytes) -> None:
    headers = key() | {"content-type": "application/json"}
    answer = await browser.client.post("/api/orders", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert problem(answer)


async def test_what_is_wrong_is_named_and_never_repeated(browser: Browser) -> None:
    wrong = order_of("guest-1", "not-a-card-number")
    answer = await browser.client.post("/api/orders", json=wrong, headers=key())
    assert problem(answer) == (422, "INVALID_REQUEST")
    assert "body.card.number" in [one["field"] for one in answer.json()["violations"]]
    assert "not-a-card-number" not in answer.text


@pytest.mark.parametrize("path", ["/api/nowhere", "/api/products/none", f"/api/orders/{NO_ORDER}"])
async def test_what_is_not_there_is_a_problem_too(browser: Browser, path: str) -> None:
    assert problem(await browser.client.get(path))[0] == 404


async def test_a_silent_service_is_503_or_504_without_a_word_of_why(harbour: Harbour, browser: Browser) -> None:
    with harbour.sidecars.without("recommendations"):
        answer = await browser.client.get("/api/products/mug/recommendations")
    assert problem(answer)[0] == 503
    assert answer.json()["detail"] == ""


async def test_the_description_names_every_route_and_its_errors(browser: Browser) -> None:
    described = (await browser.client.get("/openapi.json")).json()
    assert described["openapi"].startswith("3.")
    assert all(path.startswith("/api/") for path in described["paths"])
    assert "Problem" in described["components"]["schemas"]
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert {"400", "422", "503"} <= set(route["responses"]), (method, path)
            for status, response in route["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == [PROBLEM], (method, path, status)
